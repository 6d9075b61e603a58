# Subgroups, treatment by marker: Rscript subgroups.R  (from reference/survival; writes subgroups.json
# and data/subgroups.csv, which is synthetic)
suppressMessages({library(survival); library(jsonlite)})
options(warn = -1)
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100)
set.seed(20261126)
n <- 420
d <- data.frame(
  marker = rbinom(n, 1, 0.3), treatment = rbinom(n, 1, 0.45), age = round(rnorm(n, 57, 10)),
  centre = sample(1:4, n, TRUE), weight = sample(c(0.5, 1, 1, 2), n, TRUE),
  subtype = sample(c("her2", "luminal_a", "luminal_b", "triple_negative", "rare"), n, TRUE,
                   c(0.18, 0.38, 0.24, 0.14, 0.06)),
  grade = sample(c("2", "3"), n, TRUE), sites = "few")
d$sites[sample(n, 40)] <- "many"
eta <- 0.3 * d$marker + 0.7 * d$marker * (d$subtype == "luminal_b") - 0.3 * d$treatment -
  0.4 * d$treatment * d$marker + 0.03 * (d$age - 57) + 0.3 * (d$grade == "3")
time <- ceiling(rexp(n, 0.0006 * exp(eta))); cens <- ceiling(runif(n, 200, 2200))
d$time <- pmin(time, cens); d$event <- as.integer(time <= cens)
d$event[d$subtype == "rare"] <- 0                       # a level without events
d$marker[d$sites == "many"] <- 1                        # a level with one marker group
d$entry <- ifelse(runif(n) < 0.3, floor(d$time * runif(n) * 0.3), 0)
d$subtype[sample(n, 15)] <- NA
write.csv(d, "data/subgroups.csv", row.names = FALSE, na = "")

two <- function(f, k) list(coef = unname(coef(f)[k]), se = unname(sqrt(diag(vcov(f)))[k]))
subgroups <- function(factor, adjust, data = d, weighted = FALSE, strata = FALSE, entry = FALSE) {
  data <- data[!is.na(data[[factor]]), ]
  left <- if (entry) "Surv(entry, time, event)" else "Surv(time, event)"
  right <- c(if (nchar(adjust)) adjust, if (strata) "strata(centre)")
  data$w <- if (weighted) data$weight else 1
  fit <- function(terms, x) coxph(as.formula(paste(left, "~", paste(c(terms, right), collapse = "+"))),
                                  x, weights = w, control = ctl, robust = FALSE)
  seen <- tapply(data$event, data[[factor]], sum)
  all_levels <- names(seen)
  data <- data[data[[factor]] %in% names(seen)[seen > 0], ]
  arms <- tapply(data$marker, data[[factor]], function(m) length(unique(m)))
  usable <- names(arms)[arms == 2]
  for (g in usable) data[[paste0("m_", make.names(g))]] <- data$marker * (data[[factor]] == g)
  own <- paste0("m_", make.names(usable))
  data$g <- factor(data[[factor]]); data$one <- rowSums(data[own])
  main <- if (nlevels(data$g) > 1) "g"
  large <- fit(c(main, own), data); small <- fit(c(main, "one"), data)
  joint <- two(large, own); k <- length(own)
  b <- joint$coef; v <- vcov(large)[own, own, drop = FALSE]
  C <- cbind(-1, diag(k - 1))
  out <- list(levels = all_levels, usable = usable, joint = joint)
  if (k > 1) {
    out$lr <- 2 * (large$loglik[2] - small$loglik[2]); out$df <- k - 1
    out$wald <- c(t(C %*% b) %*% solve(C %*% v %*% t(C)) %*% (C %*% b))
  }
  sep <- lapply(usable, function(g) two(fit("marker", data[data$g == g, ]), "marker"))
  out$separate <- list(coef = sapply(sep, `[[`, "coef"), se = sapply(sep, `[[`, "se"))
  w <- out$separate$se^-2; m <- sum(w * out$separate$coef) / sum(w)
  out$q <- sum(w * (out$separate$coef - m)^2)
  out
}
overall <- function(rhs) two(coxph(as.formula(paste("Surv(time, event) ~", rhs)), d, control = ctl), "marker")

cell <- function(data, tau) {
  f <- survfit(Surv(time, event) ~ treatment + marker, data)   # 00, 01, 10, 11
  s <- summary(f, times = tau); m <- summary(f, rmean = tau)$table
  list(surv = s$surv, surv_se = s$std.err, rmst = unname(m[, "rmean"]), rmst_se = unname(m[, "se(rmean)"]))
}
by_marker <- function(rhs, clustered = FALSE) {
  text <- paste("Surv(time, event) ~ treatment * marker", rhs)
  f <- if (clustered) coxph(as.formula(text), d, control = ctl, cluster = centre) else
    coxph(as.formula(text), d, control = ctl)
  small <- coxph(as.formula(paste("Surv(time, event) ~ treatment + marker", rhs)), d, control = ctl)
  b <- coef(f); v <- vcov(f); i <- c("treatment", "marker", "treatment:marker")
  b <- b[i]; v <- v[i, i]; h <- exp(b)
  lin <- function(a) c(sum(a * b), sqrt(c(a %*% v %*% a)))
  reri <- exp(sum(b)) - h[1] - h[2] + 1
  g <- c(exp(sum(b)) - h[1], exp(sum(b)) - h[2], exp(sum(b)))
  list(low = lin(c(1, 0, 0)), high = lin(c(1, 0, 1)), marker_untreated = lin(c(0, 1, 0)),
       marker_treated = lin(c(0, 1, 1)), both = lin(c(1, 1, 1)), interaction = lin(c(0, 0, 1)),
       lr = 2 * (f$loglik[2] - small$loglik[2]), reri = unname(reri), reri_se = sqrt(c(g %*% v %*% g)))
}
values <- list(
  r = R.version.string, survival = as.character(packageVersion("survival")),
  overall = overall("marker"), overall_adjusted = overall("marker + age + strata(centre)"),
  plain = list(subtype = subgroups("subtype", ""), grade = subgroups("grade", ""),
               sites = subgroups("sites", "")),
  adjusted = list(subtype = subgroups("subtype", "age", strata = TRUE),
                  grade = subgroups("grade", "age", strata = TRUE)),
  late_weighted = list(subtype = subgroups("subtype", "age", weighted = TRUE, entry = TRUE)),
  treatment = list(plain = by_marker(""), adjusted = by_marker("+ age + strata(centre)"),
                   clustered = by_marker("+ age", TRUE), cells = cell(d, 1000)))
cat(toJSON(values, digits = I(17), auto_unbox = TRUE, pretty = TRUE, na = "null"), "\n", file = "subgroups.json")

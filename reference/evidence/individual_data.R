# Pinned values of pooled patient data. Run in this folder: Rscript individual_data.R > individual_data.json
# survival and metafor, both converged to the end.
suppressMessages({library(survival); library(metafor)})
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, command, body)
}
ctl <- suppressWarnings(coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100))
d <- read.csv("data/centres.csv")
d$g3 <- 1 * (d$grade == 3)
usable <- c("A", "B", "C", "D", "E", "F")
big <- d[d$centre %in% usable, ]
mean_age <- mean(d$age)
d$mean <- ave(d$age, d$centre)
control <- list(threshold = 1e-15, maxiter = 1e5)
for (late in 0:1) for (ties in c("efron", "breslow")) {
  y <- if (late) "Surv(entry, time, event)" else "Surv(time, event)"
  cox <- function(rhs, data) suppressWarnings(coxph(as.formula(paste(y, "~", rhs)), data, ties = ties, control = ctl))
  tag <- paste(if (late) "late" else "plain", ties)
  m <- cox("marker + age + g3 + strata(centre)", d)
  put(paste("one stage", tag), "coxph(Surv ~ marker + age + g3 + strata(centre))", coef = coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik)
  per <- lapply(usable, function(c) cox("marker + age + g3", d[d$centre == c, ]))
  b <- t(sapply(per, coef)); s <- t(sapply(per, function(f) sqrt(diag(vcov(f)))))
  big_m <- cox("marker + age + g3 + strata(centre)", big)
  put(paste("heterogeneity", tag), "2 * (sum of the centres' log likelihoods - stratified), centres A to F",
      statistic = 2 * (sum(sapply(per, function(f) f$loglik[2])) - big_m$loglik[2]))
  put(paste("centres", tag), "coxph(Surv ~ marker + age + g3) in centres A to F", coef = c(b), se = c(s))
  for (method in c("REML", "DL")) for (test in c("knha", "adhoc", "z")) {
    r <- rma(b[, 1], sei = s[, 1], method = method, test = test, control = control)
    put(paste("two stages", tag, method, test), "rma of the centres' marker coefficients", estimate = r$b, se = r$se, lower = r$ci.lb, upper = r$ci.ub, p = r$pval, tau2 = r$tau2, i2 = r$I2)
  }
  l <- t(sapply(seq_along(usable), function(i) { r <- rma(b[-i, 1], sei = s[-i, 1], test = "adhoc", control = control); c(r$b, r$se, r$ci.lb, r$ci.ub, r$tau2, r$I2) }))
  put(paste("left out, two stages", tag), "rma without one centre", estimate = l[, 1], se = l[, 2], lower = l[, 3], upper = l[, 4], tau2 = l[, 5], i2 = l[, 6])
  l <- t(sapply(usable, function(c) { f <- cox("marker + age + g3 + strata(centre)", big[big$centre != c, ]); c(coef(f)[1], sqrt(vcov(f)[1, 1])) }))
  put(paste("left out, one stage", tag), "coxph without one centre, centres A to F", estimate = l[, 1], se = l[, 2])
  f <- cox("marker + age + g3 + I(marker * (age - mean)) + I(marker * (mean - mean_age)) + strata(centre)", d)
  k <- length(coef(f)); gap <- coef(f)[k - 1] - coef(f)[k]; v <- vcov(f)
  put(paste("interaction", tag), "coxph(Surv ~ marker + age + g3 + marker:(age - mean) + marker:(mean - overall) + strata(centre))",
      coef = coef(f), se = sqrt(diag(v)), wald = gap^2 / (v[k, k] + v[k - 1, k - 1] - 2 * v[k, k - 1]))
  f <- cox("marker + age + g3 + I(marker * age) + strata(centre)", d)
  put(paste("amalgamated", tag), "coxph(Surv ~ marker * age + g3 + strata(centre))", coef = coef(f), se = sqrt(diag(vcov(f))))
  per <- lapply(usable, function(c) cox("marker + age + g3 + I(marker * age)", d[d$centre == c, ]))
  r <- rma(sapply(per, function(f) coef(f)[4]), sei = sapply(per, function(f) sqrt(vcov(f)[4, 4])), test = "knha", control = control)
  put(paste("interaction, two stages", tag), "rma of the centres' products", estimate = r$b, se = r$se, lower = r$ci.lb, upper = r$ci.ub, p = r$pval)
  f <- cox("marker + age:centre + g3 + I(marker * (age - mean)) + I(marker * (mean - mean_age)) + strata(centre)", big <- within(d[d$centre %in% usable, ], mean_age <- mean(age)))
  n <- names(coef(f))
  w <- grep("age - mean\\)", n); a <- grep("mean - mean_age", n)
  put(paste("interaction, own covariate effects", tag), "coxph(Surv ~ marker + age:centre + g3 + ...), centres A to F", coef = coef(f)[c(w, a)], se = sqrt(diag(vcov(f)))[c(w, a)])
}
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", metafor ", as.character(packageVersion("metafor")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

# Pinned values of discrimination. Run in this folder: Rscript discrimination.R > discrimination.json
suppressMessages({ library(survival); library(prodlim); library(riskRegression); library(pec) })
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, gsub('"', "'", command), body)
}
d <- read.csv("data/discrimination.csv")
d$event <- 1 * (d$code == 1)
for (late in 0:1) for (st in 0:1) for (we in 0:1) for (cl in 0:1) for (tw in c("n", "S", "S/G", "n/G2", "I")) {
  if (late && tw != "n") next # R 3.5-3 crashes (segmentation fault) with late entry and other time weights
  y <- if (late) "Surv(entry, time, event)" else "Surv(time, event)"
  f <- paste0(y, " ~ first", if (st) " + strata(stratum)")
  a <- list(as.formula(f), data = d, weights = if (we) d$weight else rep(1, nrow(d)), timewt = tw, reverse = TRUE, keepstrata = FALSE)
  if (cl) a <- c(a, list(cluster = d$cluster, ymax = 30))
  m <- do.call(concordance, a)
  put(paste("concordance", late, st, we, cl, tw),
      paste0("concordance(", f, ", weights = ", if (we) "weight" else "1", ", timewt = '", tw, "', reverse = TRUE",
             if (cl) ", cluster = cluster, ymax = 30", ")"),
      concordance = m$concordance, var = m$var, count = m$count)
}
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100)
g <- read.csv("data/gbsg2.csv")
a <- coxph(Surv(time, event) ~ factor(grade), g, control = ctl)
b <- coxph(Surv(time, event) ~ factor(grade) + hormone, g, control = ctl)
m <- concordance(a, b)
put("cox_concordance", "concordance(coxph(Surv(time, event) ~ factor(grade)), coxph(. ~ . + hormone)), gbsg2",
    concordance = m$concordance, var = c(m$var), count = c(t(m$count)))
a <- coxph(Surv(entry, time, event) ~ first + strata(stratum), d, control = ctl)
b <- coxph(Surv(entry, time, event) ~ first + second + strata(stratum), d, control = ctl)
m <- concordance(a, b)
put("cox_concordance strata", "concordance of two coxph with strata(stratum) and late entry",
    concordance = m$concordance, var = c(m$var), count = c(t(m$count)))
at <- c(5, 12, 30)
risks <- list(A = cbind(d$risk_a, d$risk_a, d$risk_a), B = cbind(d$risk_b, d$risk_b, d$risk_b))
for (kind in c("event", "code")) {
  f <- paste0("Hist(time, ", kind, ") ~ 1")
  s <- Score(risks, formula = as.formula(f), data = d, times = at, metrics = c("AUC", "Brier"), summary = c("ipa", "ibs"),
             conf.int = TRUE, cens.model = "km", conservative = FALSE, null.model = TRUE, contrasts = TRUE)
  auc <- as.data.frame(s$AUC$score); dif <- as.data.frame(s$AUC$contrasts)
  br <- as.data.frame(s$Brier$score); null <- br[br$model == "Null model", ]; br <- br[br$model != "Null model", ]
  db <- as.data.frame(s$Brier$contrasts); db <- db[db$model == "B" & db$reference == "A", ]
  put(paste("score", kind), paste0("Score(list(A, B), ", f, ", times = c(5, 12, 30), cens.model = 'km', conservative = FALSE)"),
      auc = auc$AUC, auc_se = auc$se, auc_lower = auc$lower, auc_upper = auc$upper,
      auc_difference = dif$delta.AUC, auc_difference_se = dif$se, auc_difference_p = dif$p,
      null = null$Brier, brier = br$Brier, brier_se = br$se, brier_lower = br$lower, brier_upper = br$upper, ipa = br$IPA, ibs = br$IBS[c(3, 6)],
      ibs_null = null$IBS[3], brier_difference = db$delta.Brier, brier_difference_se = db$se, brier_difference_p = db$p)
}
alive <- function(r) 1 - cbind(0, r, r, r)
p <- pec(list(A = alive(d$risk_a), B = alive(d$risk_b)), formula = Surv(time, event) ~ 1, data = d, times = c(0, at),
         exact = FALSE, cens.model = "marginal", verbose = FALSE)
put("pec", "pec(list(A, B), Surv(time, event) ~ 1, times = c(0, 5, 12, 30), exact = FALSE, cens.model = 'marginal')$AppErr",
    null = p$AppErr$Reference[-1], brier = c(p$AppErr$A[-1], p$AppErr$B[-1]), ibs = c(crps(p, times = 30)))
# AUC with controls free of every event, and net reclassification, from the published formulae
G <- prodlim(Hist(time, code) ~ 1, d, reverse = TRUE)
before <- predictSurvIndividual(G, lag = 1)[order(order(d$time, -(d$code > 0)))]
free <- sapply(at, function(t) {
  i <- which(d$time <= t & d$code == 1); j <- which(d$time > t)
  k <- outer(d$risk_a[i], d$risk_a[j], ">") + 0.5 * outer(d$risk_a[i], d$risk_a[j], "==")
  sum(k / before[i]) / (length(j) * sum(1 / before[i]))
})
put("auc event_free", "Blanche 2013, definition with T > t as controls, by loops, G from prodlim(reverse = TRUE)", auc = free)
nri <- function(up, t) {
  s <- function(rows) if (any(rows)) { f <- survfit(Surv(time, event) ~ 1, d[rows, ]); min(1, f$surv[f$time <= t]) } else 1
  all <- rep(TRUE, nrow(d)); n <- nrow(d); S <- s(all)
  down <- up < 0; up <- up > 0
  p <- c(sum(up) * (1 - s(up)) / (n * (1 - S)), sum(down) * (1 - s(down)) / (n * (1 - S)), sum(down) * s(down) / (n * S), sum(up) * s(up) / (n * S))
  c(p[1] - p[2] + p[3] - p[4], p[1] - p[2], p[3] - p[4], p)
}
cat3 <- function(r) (r >= 0.3) + (r >= 0.6)
put("nri", "Pencina 2011 by survfit of those who move up or down; cuts 0.3 and 0.6 at 20, and any change",
    categories = nri(cat3(d$risk_b) - cat3(d$risk_a), 20), continuous = nri(d$risk_b - d$risk_a, 20))
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", riskRegression ", as.character(packageVersion("riskRegression")), ", prodlim ", as.character(packageVersion("prodlim")), ", pec ", as.character(packageVersion("pec")),
    '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

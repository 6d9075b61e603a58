# Pinned survival values. Run in this folder: Rscript make_values.R > values.json
suppressMessages(library(survival))
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", ifelse(is.infinite(x), ifelse(x > 0, "1e999", "-1e999"), sprintf("%.17g", x))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, gsub('"', "'", command), body)
}
d <- read.csv("data/cohort.csv")
ctl <- suppressWarnings(coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100))
for (ties in c("efron", "breslow")) for (st in 0:1) for (en in 0:1) for (we in 0:1) for (of in 0:1) for (clock in c("day", "continuous")) {
  y <- paste0("Surv(", if (en) paste0("entry_", clock, ", "), "t_", clock, ", event)")
  f <- paste0(y, " ~ x1 + x2 + x3", if (st) " + strata(stratum)", if (of) " + offset(offset)")
  d$w <- if (we) d$weight else 1
  m <- coxph(as.formula(f), d, weights = w, ties = ties, control = ctl, robust = FALSE)
  put(paste("cox", ties, st, en, we, of, clock),
      paste0("coxph(", f, ", weights = ", if (we) "weight" else "1", ", ties = '", ties, "', robust = FALSE, control = coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100))"),
      coef = coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik, score = m$score, wald = m$wald.test)
}
for (ct in c("plain", "log", "log-log", "logit", "arcsin")) for (we in 0:1) for (en in 0:1) {
  d$w <- if (we) d$weight else 1
  y <- paste0("Surv(", if (en) "entry_day, ", "t_day, event)")
  f <- survfit(as.formula(paste(y, "~ 1")), d, weights = w, conf.type = ct, robust = FALSE)
  q <- quantile(f, c(0.25, 0.5, 0.75))
  m <- summary(f, rmean = 20)$table
  put(paste("km", ct, we, en), paste0("survfit(", y, " ~ 1, weights = ", if (we) "weight" else "1", ", conf.type = '", ct, "', robust = FALSE)"),
      time = f$time, n_risk = f$n.risk, surv = f$surv, std_err = f$surv * f$std.err, lower = f$lower, upper = f$upper,
      quantile = q$quantile, q_lower = q$lower, q_upper = q$upper, rmst = m[["rmean"]], rmst_se = m[["se(rmean)"]])
}
for (rho in c(0, 0.5, 1)) for (st in 0:1) {
  f <- paste0("Surv(t_day, event) ~ arm", if (st) " + strata(stratum)")
  s <- survdiff(as.formula(f), d, rho = rho)
  ob <- if (is.matrix(s$obs)) rowSums(s$obs) else s$obs
  ex <- if (is.matrix(s$exp)) rowSums(s$exp) else s$exp
  put(paste("log_rank", rho, st), paste0("survdiff(", f, ", rho = ", rho, ")"), statistic = s$chisq, observed = ob, expected = ex, variance = c(s$var))
}
for (st in 0:1) {
  f <- paste0("Surv(entry_continuous, t_continuous, event) ~ factor(arm)", if (st) " + strata(stratum)")
  m <- coxph(as.formula(f), d, control = ctl)
  put(paste("log_rank late", st), paste0("coxph(", f, ")$score, untied times"), statistic = m$score)
}
f <- survfit(Surv(t_day, 1 - event) ~ 1, d)
q <- quantile(f, 0.5)
put("follow_up", "quantile(survfit(Surv(t_day, 1 - event) ~ 1), 0.5), conf.type = 'log'", quantile = q$quantile, q_lower = q$lower, q_upper = q$upper)
near <- data.frame(t = c(0.1 + 0.2, 0.3, 0.7, 0.1 * 7, 1, 1.5), e = c(1, 1, 1, 0, 1, 1), x = c(0, 1, 1, 0, 1, 0))
f <- survfit(Surv(t, e) ~ 1, near)
m <- coxph(Surv(t, e) ~ x, near, control = ctl)
put("near_ties", "survfit and coxph with timefix, times 0.1 + 0.2, 0.3, 0.7, 0.1 * 7, 1, 1.5", time = f$time, n_risk = f$n.risk, surv = f$surv, coef = coef(m), loglik = m$loglik)
p <- poisson.test(c(7, 16), c(32.7, 796.3))
put("rate_ratio", "poisson.test(c(7, 16), c(32.7, 796.3))", ratio = p$estimate, limits = p$conf.int, p = p$p.value)
p <- poisson.test(c(0, 9), c(10, 20))
put("rate_ratio zero", "poisson.test(c(0, 9), c(10, 20))", ratio = p$estimate, limits = p$conf.int, p = p$p.value)
for (k in c(0, 1, 7, 16, 250)) { p <- poisson.test(k, 32.7); put(paste("rate", k), paste0("poisson.test(", k, ", 32.7)"), rate = p$estimate, limits = p$conf.int) }
h <- read.csv("data/heart.csv")
m <- coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, h, control = ctl)
put("heart", "coxph(Surv(start, stop, event) ~ age + year + surgery + transplant)", coef = coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik)
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

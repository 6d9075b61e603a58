# Pinned values of the competing risks: Rscript competing_risks.R > competing_risks.json
suppressMessages({library(survival); library(cmprsk); library(etm)}); options(warn = -1)
number <- function(x) ifelse(is.na(x), "null", ifelse(is.infinite(x), "null", sprintf("%.17g", x)))
field <- function(v) paste0("[", paste(number(unname(c(v))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) { v <- list(...)
  out[length(out) + 1] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, command,
    paste(sprintf('"%s": %s', names(v), sapply(v, field)), collapse = ", ")) }
d <- read.csv("data/competing.csv"); d$id <- seq_len(nrow(d))
for (clock in c("day", "continuous")) for (entry in 0:1) for (weights in 0:1) {
  d$t <- d[[paste0("t_", clock)]]; d$e <- if (entry) d[[paste0("entry_", clock)]] else 0; d$w <- if (weights) d$weight else 1
  f <- survfit(Surv(e, t, factor(code)) ~ 1, d, id = id, weights = w)
  k <- which(f$time > 0); if (clock == "continuous") k <- k[seq(2, length(k), 9)]
  for (cause in 1:3) put(paste("incidence", clock, entry, weights, cause),
    "survfit(Surv(e, t, factor(code)) ~ 1, id = id, weights = w)", time = f$time[k], at_risk = f$n.risk[k, 1],
    incidence = f$pstate[k, 1 + cause], se = f$std.err[k, 1 + cause])
}
for (ci in c("log-log", "log", "plain")) { f <- survfit(Surv(t_day, factor(code)) ~ 1, d, conf.type = ci)
  for (cause in 1:3) put(paste("limits", ci, cause), sprintf("survfit(Surv(t_day, factor(code)) ~ 1, conf.type = '%s')", ci),
    lower = f$lower[, 1 + cause], upper = f$upper[, 1 + cause]) }
tra <- matrix(FALSE, 4, 4); tra[1, 2:4] <- TRUE
x <- data.frame(id = d$id, from = 0, to = ifelse(d$code == 0, "cens", d$code), entry = d$entry_continuous, exit = d$t_continuous)
f <- etm(x, c("0", "1", "2", "3"), tra, "cens", s = 0); at <- f$time[seq(3, length(f$time), 12)]; k <- match(at, f$time)
for (cause in 1:3) put(paste("etm", cause), "trcov(etm(...), '0 k') with entry", time = at, incidence = trprob(f, paste(0, cause))[k], variance = trcov(f, paste(0, cause))[k])
for (clock in c("day", "continuous")) {
  d$t <- d[[paste0("t_", clock)]]; at <- c(5, 10, 20, 25) * (if (clock == "day") 1 else 6)
  f <- cuminc(d$t, d$code, d$group); s <- timepoints(f, at)
  for (g in 0:2) for (cause in 1:3) { row <- paste(g, cause)
    put(paste("cuminc", clock, g, cause), "timepoints(cuminc(t, code, group), at)", at = at, incidence = s$est[row, ], variance = s$var[row, ]) }
  for (rho in c(0, 1)) for (strata in 0:1) { f <- if (strata) cuminc(d$t, d$code, d$group, d$stratum, rho) else cuminc(d$t, d$code, d$group, rho = rho)
    for (cause in 1:3) put(paste("gray", clock, rho, strata, cause), sprintf("cuminc(t, code, group, %s, rho = %g)$Tests", if (strata) "stratum" else "", rho),
      statistic = f$Tests[cause, 1], p = f$Tests[cause, 2], df = f$Tests[cause, 3]) }
}
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100)
at <- c(5, 10, 20); new <- rbind(c(0.5, 1), c(-1, 0))
for (clock in c("day", "continuous")) for (cause in 1:2) for (groups in 0:1) {
  d$t <- d[[paste0("t_", clock)]]; x <- as.matrix(d[, c("x1", "x2")]); times <- at * (if (clock == "day") 1 else 6)
  f <- if (groups) crr(d$t, d$code, x, cengroup = d$group, failcode = cause, gtol = 1e-15, maxiter = 100) else
    crr(d$t, d$code, x, failcode = cause, gtol = 1e-15, maxiter = 100)
  p <- predict(f, new); k <- findInterval(times, p[, 1])
  put(paste("crr", clock, cause, groups), sprintf("crr(t, code, cbind(x1, x2), failcode = %d%s, gtol = 1e-15)", cause, if (groups) ", cengroup = group" else ""),
    coef = f$coef, variance = f$var, inverse_information = f$invinf, loglik = f$loglik, loglik_null = f$loglik.null, at = times, predicted = t(p[k, 2:3]))
}
for (clock in c("day", "continuous")) for (entry in 0:1) for (strata in 0:1) {
  d$t <- d[[paste0("t_", clock)]]; d$e <- d[[paste0("entry_", clock)]]
  y <- if (entry) "Surv(e, t, factor(code))" else "Surv(t, factor(code))"; s <- if (strata) " + strata(stratum)" else ""
  r <- finegray(as.formula(paste0(y, " ~ x1 + x2 + id + centre", s)), cbind(d, s = d$stratum), id = id, etype = "1")
  r$s <- d$stratum[r$id]
  m <- coxph(as.formula(paste0("Surv(fgstart, fgstop, fgstatus) ~ x1 + x2", if (strata) " + strata(s)" else "")), r, weights = fgwt, ties = "breslow", cluster = id, control = ctl)
  n <- coxph(as.formula(paste0("Surv(fgstart, fgstop, fgstatus) ~ x1 + x2", if (strata) " + strata(s)" else "")), r, weights = fgwt, ties = "efron", cluster = id, control = ctl)
  r <- r[order(r$id, r$fgstart), ]; k <- seq(1, nrow(r), 7)
  put(paste("finegray", clock, entry, strata), sprintf("coxph(Surv(fgstart, fgstop, fgstatus) ~ x1 + x2, finegray(%s ~ .%s), weights = fgwt)", y, s),
    rows = nrow(r), row = r$id[k], start = r$fgstart[k], stop = r$fgstop[k], weight = r$fgwt[k], breslow = coef(m), robust = vcov(m), efron = coef(n), efron_robust = vcov(n))
}
for (ties in c("efron", "breslow")) for (cause in 1:3) { m <- coxph(Surv(t_day, code == cause) ~ x1 + x2, d, ties = ties, control = ctl)
  put(paste("cause-specific", ties, cause), sprintf("coxph(Surv(t_day, code == %d) ~ x1 + x2, ties = '%s')", cause, ties), coef = coef(m), se = sqrt(diag(vcov(m)))) }
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", cmprsk ", as.character(packageVersion("cmprsk")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

# Pinned values after a draw: Rscript surveillance.R > surveillance.json
suppressMessages({library(survival); library(riskRegression)}); options(warn = -1)
number <- function(x) ifelse(is.na(x), "null", ifelse(is.infinite(x), "null", sprintf("%.17g", x)))
field <- function(v) paste0("[", paste(number(unname(c(v))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) { v <- list(...)
  out[length(out) + 1] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, command,
    paste(sprintf('"%s": %s', names(v), sapply(v, field)), collapse = ", ")) }
d <- read.csv("data/competing.csv"); d$any <- as.integer(d$code > 0)
for (clock in c("day", "continuous")) { d$t <- d[[paste0("t_", clock)]]; at <- c(5, 10, 20) * (if (clock == "day") 1 else 6)
  f <- summary(survfit(Surv(t, any) ~ x2, d, conf.type = "log-log"), times = at)
  put(paste("kaplan-meier", clock), "summary(survfit(Surv(t, code > 0) ~ x2, conf.type = 'log-log'), times = at)", at = at,
    risk = 1 - f$surv, se = f$std.err, lower = 1 - f$upper, upper = 1 - f$lower, at_risk = f$n.risk)
  f <- summary(survfit(Surv(t, factor(code)) ~ x2, d, conf.type = "log-log"), times = at)
  put(paste("aalen-johansen", clock), "summary(survfit(Surv(t, factor(code)) ~ x2, conf.type = 'log-log'), times = at)", at = at,
    risk = f$pstate[, 2], se = f$std.err[, 2], lower = f$lower[, 2], upper = f$upper[, 2], free = f$pstate[, 1])
  # The area under the curve of a two-valued marker is (sensitivity + specificity) / 2.
  s <- Score(list(m = as.matrix(sapply(at, function(u) 0.2 + 0.5 * d$x2))), Hist(t, code) ~ 1, d, times = at, cause = 1, metrics = "auc", cens.model = "km", null.model = FALSE, conf.int = FALSE)
  put(paste("auc competing", clock), "Score(Hist(t, code) ~ 1, cause = 1, metrics = 'auc', cens.model = 'km')", at = at, auc = s$AUC$score$AUC)
  s <- Score(list(m = as.matrix(sapply(at, function(u) 0.2 + 0.5 * d$x2))), Hist(t, any) ~ 1, d, times = at, metrics = "auc", cens.model = "km", null.model = FALSE, conf.int = FALSE)
  put(paste("auc", clock), "Score(Hist(t, code > 0) ~ 1, metrics = 'auc', cens.model = 'km')", at = at, auc = s$AUC$score$AUC)
}
for (k in c(0, 3, 17, 20)) put(paste("share", k), sprintf("binom.test(%d, 20)", k), limits = binom.test(k, 20)$conf.int)
for (n in c(6, 7, 20, 41)) { r <- qbinom(0.025, n, 0.5); put(paste("median", n), sprintf("c(r, n + 1 - r), r = qbinom(0.025, %d, 0.5)", n), ranks = c(r, n + 1 - r)) }
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", riskRegression ", as.character(packageVersion("riskRegression")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

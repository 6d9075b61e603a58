# Pinned pooled values. Run in this folder: Rscript pooling.R > pooling.json
# metafor converged to the end: threshold and tol far below its defaults (1e-5 and 1.2e-4).
suppressMessages(library(metafor))
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", ifelse(is.infinite(x), "1e999", sprintf("%.17g", x))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, command, body)
}
d <- read.csv("data/studies.csv")
tests <- c(hksj = "knha", hksj_conservative = "adhoc", t = "t", normal = "z")
for (s in unique(d$set)) for (m in c("REML", "DL", "PM", "ML", "EB", "SJ", "HE", "EE")) for (t in names(tests)) {
  x <- d[d$set == s, ]
  control <- list(threshold = 1e-15, maxiter = 100000, tol = 1e-15, tau2.max = 1000)
  r <- tryCatch(rma(estimate, sei = standard_error, data = x, method = m, test = tests[[t]], control = control),
                error = function(e) NULL)
  if (is.null(r)) { message(s, " ", m, " ", t, ": metafor failed"); next }
  p <- predict(r)
  put(paste(s, if (m == "EE") "FE" else m, t), sprintf("rma(method = '%s', test = '%s', control = list(threshold = 1e-15, maxiter = 1e5))", m, tests[[t]]),
      k = r$k, estimate = r$b, se = r$se, lower = r$ci.lb, upper = r$ci.ub, p = r$pval, tau2 = r$tau2, se_tau2 = if (m == "EE") NA else r$se.tau2,
      q = r$QE, q_p = r$QEp, i2 = r$I2, h2 = r$H2, log_likelihood = logLik(r, REML = m == "REML"),
      prediction = if (m == "EE") c(NA, NA) else c(p$pi.lb, p$pi.ub), weights = weights(r))
}
for (s in unique(d$set)) {
  x <- d[d$set == s, ]
  r <- rma(estimate, sei = standard_error, data = x, control = list(threshold = 1e-15, maxiter = 100000))
  c1 <- confint(r, control = list(tol = 1e-15, tau2.max = 1e6))$random
  put(paste(s, "Q-profile"), "confint(rma(...), control = list(tol = 1e-15))$random", limits = c1[1, 2:3], i2 = c1[3, 2:3])
  if (s %in% c("six", "twelve", "forty", "wide")) {
    c2 <- confint(r, type = "PL", control = list(tol = 1e-15, tau2.max = 1e6))$random
    put(paste(s, "profile likelihood"), "confint(rma(...), type = 'PL', control = list(tol = 1e-15))$random", limits = c2[1, 2:3])
  }
}
cat('{"made_with": "', R.version.string, ", metafor ", as.character(packageVersion("metafor")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

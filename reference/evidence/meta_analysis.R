# Effect sizes, counts, moderators, influence, asymmetry, two outcomes by metafor, converged.
# Run in this folder: Rscript meta_analysis.R > meta_analysis.json
suppressMessages(library(metafor))
num <- function(x) { x <- unname(unlist(x)); paste0("[", paste(ifelse(is.na(x), "null", ifelse(is.infinite(x), "1e999", sprintf("%.17g", as.numeric(x)))), collapse = ", "), "]") }
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, command, body)
}
# Fisher scoring may oscillate in the last digit: the smallest threshold that ends is taken
fit <- function(...) {
  call <- match.call(expand.dots = TRUE)
  call[[1]] <- quote(metafor::rma)
  for (th in 10^-(15:9)) {
    call$control <- list(threshold = th, maxiter = 10000, tol = 1e-15, tau2.max = 1000)
    r <- tryCatch(eval(call, parent.frame()), error = function(e) NULL)
    if (!is.null(r)) return(r)
  }
  stop("no fit")
}
bcg <- read.csv("data/bcg.csv"); bcg$since <- bcg$year - 1965
zero <- read.csv("data/zero_cells.csv")
# effect sizes
for (m in c("RR", "OR", "RD", "PETO")) for (s in c("bcg", "zero")) {
  d <- if (s == "bcg") bcg else data.frame(tpos = zero$e1, tneg = zero$n1 - zero$e1, cpos = zero$e2, cneg = zero$n2 - zero$e2)
  e <- escalc(measure = m, ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
  put(paste("sizes", s, m), sprintf("escalc(measure = '%s')", m), y = e$yi, v = e$vi)
  if (m != "PETO") {
    r <- rma.mh(measure = m, ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d, correct = FALSE, drop00 = c(m != "RD", FALSE))
    put(paste("mh", s, m), sprintf("rma.mh(measure = '%s')", m), y = r$beta, se = r$se, q = r$QE, lower = r$ci.lb, p = r$pval)
  } else {
    r <- rma.peto(ai = tpos, bi = tneg, ci = cpos, di = cneg, data = d)
    put(paste("peto", s), "rma.peto()", y = r$beta, se = r$se, q = r$QE, p = r$pval)
  }
}
for (m in c("PLO", "PFT", "PR")) { e <- escalc(measure = m, xi = zero$e1, ni = zero$n1); put(paste("proportions", m), sprintf("escalc(measure = '%s')", m), y = e$yi, v = e$vi) }
e <- escalc(measure = "IRLN", xi = zero$e1, ti = zero$n1 * 1.7); put("rates", "escalc(measure = 'IRLN')", y = e$yi, v = e$vi)
e <- escalc(measure = "IRR", x1i = zero$e1, t1i = zero$n1 * 1.7, x2i = zero$e2, t2i = zero$n2 * 1.1); put("rate ratios", "escalc(measure = 'IRR')", y = e$yi, v = e$vi)
x <- c(tpos = 1); g <- data.frame(x = bcg$tpos, n = bcg$tpos + bcg$tneg)
r <- rma.glmm(measure = "PLO", xi = x, ni = n, data = g, nAGQ = 31, control = list(optCtrl = list(maxfun = 1e5)))
put("glmm", "rma.glmm(measure = 'PLO', nAGQ = 31)", y = r$beta, se = r$se, tau2 = r$tau2, q = r$QE.LRT)
# tau2
b <- escalc(measure = "RR", ai = tpos, bi = tneg, ci = cpos, di = cneg, data = bcg)
for (t in c("z", "knha")) {
  r <- rma(yi, vi, data = b, method = "HS", test = t)
  put(paste("HS", t), "rma(method = 'HS')", tau2 = r$tau2, se_tau2 = r$se.tau2, y = r$beta, se = r$se)
  first <- rma(yi, vi, data = b, method = "DL")$tau2
  r <- rma(yi, vi, data = b, method = "GENQ", weights = 1 / (vi + first))
  put(paste("DL2", t), "rma(method = 'GENQ', weights = 1 / (vi + tau2 by DL))", tau2 = r$tau2, se_tau2 = r$se.tau2)
}
# moderators
for (m in c("REML", "DL", "PM", "ML", "EB", "SJ", "HE", "HS", "FE")) for (t in c("knha", "z")) {
  r <- fit(yi, vi, mods = ~ ablat + since, data = b, method = m, test = t)
  put(paste("moderators", m, t), sprintf("rma(mods = ~ ablat + since, method = '%s', test = '%s')", m, t), y = r$beta, se = r$se, lower = r$ci.lb, upper = r$ci.ub, p = r$pval,
      tau2 = r$tau2, q = r$QE, q_p = r$QEp, qm = r$QM, qm_p = r$QMp, i2 = r$I2, ll = logLik(r, REML = m == "REML"))
}
r <- fit(yi, vi, mods = ~ alloc, data = b, test = "knha")
put("subgroups common", "rma(mods = ~ alloc, test = 'knha')", qm = r$QM, qm_p = r$QMp)
r <- fit(yi, vi, mods = ~ alloc - 1, data = b, test = "knha")
put("subgroups cells", "rma(mods = ~ alloc - 1, test = 'knha')", y = r$beta, se = r$se, tau2 = r$tau2)
each <- lapply(split(b, b$alloc), function(z) fit(yi, vi, data = z))
two <- rma(sapply(each, function(r) c(r$beta)), sapply(each, function(r) r$se)^2, mods = ~ names(each), method = "FE")
put("subgroups separate", "rma per group, then rma(mods = ~ group, method = 'FE') of the pooled effects", qm = two$QM, qm_p = two$QMp, y = sapply(each, function(r) c(r$beta)))
# influence, leave one out, cumulative, blup
for (t in c("knha", "z")) {
  r <- fit(yi, vi, data = b, test = t)
  i <- influence(r); l <- leave1out(r)
  put(paste("influence", t), "influence(rma())", rstudent = i$inf$rstudent, dffits = i$inf$dffits, cook = i$inf$cook.d, cov = i$inf$cov.r, tau2 = i$inf$tau2.del, q = i$inf$QE.del, hat = i$inf$hat, weight = i$inf$weight, dfbs = i$dfbs[[1]], influential = as.numeric(i$is.infl))
  put(paste("leave one out", t), "leave1out(rma())", y = l$estimate, se = l$se, lower = l$ci.lb, upper = l$ci.ub, p = l$pval)
  g <- b[order(b$year), ]; cu <- lapply(2:13, function(i) { g <- g[1:i, ]; fit(g$yi, g$vi, test = t) })
  put(paste("cumulative", t), "rma() of the first 2, 3, ... in order of year", y = sapply(cu, function(r) c(r$beta)), se = sapply(cu, function(r) r$se))
  bl <- blup(r); put(paste("blup", t), "blup(rma())", y = bl$pred, se = bl$se, lower = bl$pi.lb, upper = bl$pi.ub)
}
# asymmetry
s <- read.csv("data/studies.csv")
for (k in c("bcg", "forty", "twelve")) {
  d <- if (k == "bcg") data.frame(yi = b$yi, vi = b$vi) else with(s[s$set == k, ], data.frame(yi = estimate, vi = standard_error^2))
  r <- fit(yi, vi, data = d)
  e <- regtest(r, model = "lm"); q <- regtest(r); g <- ranktest(r); f <- fsn(yi, vi, data = d)
  put(paste("asymmetry", k), "regtest, ranktest, fsn", t = e$zval, p = e$pval, limit = e$est, limit_lower = e$ci.lb, z = q$zval, z_p = q$pval, z_limit = q$est, tau = g$tau, tau_p = g$pval, fsn = f$fsnum)
  for (side in c("auto", "left", "right")) for (est in c("L0", "R0")) {
    f <- tryCatch(if (side == "auto") trimfill(r, estimator = est) else trimfill(r, side = side, estimator = est), error = function(e) NULL)
    if (is.null(f)) next
    g <- fit(f$yi, f$vi)
    put(paste("trim and fill", k, side, est), sprintf("trimfill(rma(), side = '%s', estimator = '%s'), its studies by rma() converged", side, est), k0 = f$k0, se = f$se.k0, y = g$beta, se_y = g$se, tau2 = g$tau2, side = as.numeric(f$side == "left"))
  }
}
# two outcomes
d <- read.csv("data/two_outcomes.csv")
for (m in c("REML", "ML")) for (rho in c(0, 0.5)) {
  long <- rbind(data.frame(study = d$study, o = "a", y = d$y1, v = d$s1^2), data.frame(study = d$study, o = "b", y = d$y2, v = d$s2^2))
  long <- long[!is.na(long$y), ]; long <- long[order(long$study, long$o), ]
  V <- diag(long$v)
  for (i in seq_len(nrow(long))) for (j in seq_len(nrow(long))) if (i != j && long$study[i] == long$study[j]) V[i, j] <- rho * sqrt(long$v[i] * long$v[j])
  r <- rma.mv(y, V, mods = ~ o - 1, random = ~ o | study, struct = "UN", data = long, method = m, control = list(optimizer = "optim", optmethod = "Nelder-Mead", reltol = 1e-15, maxit = 50000))
  put(paste("two outcomes", m, rho), sprintf("rma.mv(struct = 'UN', method = '%s'), within-study correlation %s", m, rho), y = r$beta, se = r$se, tau2 = r$tau2, rho = r$rho, ll = logLik(r), v = r$vb[1, 2])
}
cat('{"made_with": "', R.version.string, ", metafor ", as.character(packageVersion("metafor")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

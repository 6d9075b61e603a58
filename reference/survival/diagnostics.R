# Pinned Cox diagnostics. Run in this folder: Rscript diagnostics.R > diagnostics.json
# Data: the first 60 rows of data/cohort.csv; cluster = row number modulo 17.
suppressMessages({library(survival); library(splines)})
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
out <- character()
put <- function(id, command, v) {
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, function(x) num(as.numeric(t(x))), "")), collapse = ",\n   ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s",\n   %s}', id, gsub('"', "'", command), body)
}
d <- read.csv("data/cohort.csv")[1:60, ]
d$cluster <- seq_len(60) %% 17
new <- data.frame(x1 = c(0, 0.5), x2 = c(0, -1), x3 = c(0, 1), offset = 0)
strata_new <- merge(new, data.frame(stratum = sort(unique(d$stratum))), by = NULL)  # both profiles in each stratum
ctl <- suppressWarnings(coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100))
for (ties in c("efron", "breslow")) for (st in 0:1) for (en in 0:1) for (we in 0:1) {
  y <- paste0("Surv(", if (en) "entry_day, ", "t_day, event)")
  f <- as.formula(paste0(y, " ~ x1 + x2 + x3", if (st) " + strata(stratum)", if (we) " + offset(offset)"))
  d$w <- if (we) d$weight else 1
  m <- coxph(f, d, weights = w, ties = ties, control = ctl, robust = FALSE)
  r <- coxph(f, d, weights = w, ties = ties, control = ctl, cluster = cluster, robust = TRUE)
  g <- function(type, ...) residuals(m, type = type, ...)
  v <- list(coef = coef(m), robust = r$var, wald = r$wald.test, rscore = r$rscore,
    martingale = g("martingale"), deviance = g("deviance"), score = g("score"), dfbeta = g("dfbeta"), dfbetas = g("dfbetas"),
    schoenfeld = g("schoenfeld"), scaled_schoenfeld = g("scaledsch"), event_time = as.numeric(rownames(g("schoenfeld"))),
    martingale_cluster = g("martingale", collapse = d$cluster), deviance_cluster = g("deviance", collapse = d$cluster),
    score_cluster = g("score", collapse = d$cluster), dfbeta_cluster = g("dfbeta", collapse = d$cluster))
  for (tr in c("km", "rank", "identity", "log")) {
    z <- cox.zph(m, tr, terms = FALSE)
    v[[paste0("zph_", tr)]] <- z$table
    v[[paste0("x_", tr)]] <- z$x
    if (tr == "km") {
      # stratum 0 has one row: cox.zph does not count its event and scales all later rows wrongly
      if (st) z <- cox.zph(coxph(f, d[d$stratum != 0, ], weights = w, ties = ties, control = ctl, robust = FALSE), "km", terms = FALSE)
      v$zph_time <- z$time; v$zph_y <- z$y; v$zph_var <- z$var
    }
  }
  for (ct in c("log", "log-log", "plain")) for (fit in list(m, r)) {
    if (!is.null(fit$naive.var) && ct != "log") next
    s <- survfit(fit, newdata = if (st) strata_new else new, conf.type = ct)
    key <- paste0(if (is.null(fit$naive.var)) "" else "robust_", ct)
    v[[paste0("lower_", key)]] <- t(s$lower); v[[paste0("upper_", key)]] <- t(s$upper)
    if (ct == "log") v[[paste0("error_", key)]] <- t(s$std.err)
  }
  v$time <- s$time; v$strata <- s$strata; v$surv <- t(s$surv); v$cumhaz <- t(s$cumhaz); v$n_risk <- s$n.risk
  v$basehaz <- basehaz(m, centered = FALSE)$hazard
  put(paste("diagnostics", ties, st, en, we), paste0("coxph(", deparse1(f), ", weights = ", if (we) "weight" else "1", ", ties = '", ties, "') and its residuals(), cox.zph(terms = FALSE), survfit(newdata)"), v)
}
d$grade <- factor(seq_len(60) %% 3)
for (st in 0:1) {
  f <- as.formula(paste0("Surv(t_day, event) ~ x1 + grade", if (st) " + strata(stratum)"))
  m <- coxph(f, d, control = ctl)
  z <- cox.zph(m, "identity")
  xx <- z$x; grid <- seq(min(xx), max(xx), length = 40); b <- ns(c(grid, xx), df = 4, intercept = TRUE)
  q <- qr(b[-(1:40), ]); k <- backsolve(q$qr[1:4, 1:4], diag(4))
  smooth <- b[1:40, ] %*% qr.coef(q, z$y[, 1]); se <- sqrt(z$var[1, 1] * rowSums((b[1:40, ] %*% (k %*% t(k))) * b[1:40, ]))
  put(paste("terms", st), paste0("cox.zph(coxph(", deparse1(f), "), 'identity'); its spline as plot.cox.zph draws it"), list(table = z$table, y = z$y, var = z$var, smooth = smooth, smooth_se = se))
}
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

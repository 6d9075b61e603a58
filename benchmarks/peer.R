# Times R's own calls: Rscript peer.R FILE N P REPEATS. One line per task: name, seconds, numbers.
suppressMessages(library(survival))
a <- commandArgs(TRUE); n <- as.integer(a[2]); p <- as.integer(a[3]); k <- as.integer(a[4])
v <- readBin(a[1], "double", n * (4 + p))
time <- v[1:n]; event <- v[n + 1:n]; stratum <- v[2 * n + 1:n]; arm <- v[3 * n + 1:n]
x <- matrix(v[4 * n + seq_len(n * p)], n); rm(v)
clock <- function(f) { inner <- max(1, round(2e4 / n)); best <- Inf
  for (i in seq_len(k)) { gc(FALSE); s <- system.time(for (j in seq_len(inner)) r <- f())[["elapsed"]] / inner; best <- min(best, s) }
  list(best, r) }
say <- function(name, r, numbers) cat(name, sprintf("%.17g", c(r[[1]], numbers)), "\n")
r <- clock(function() coxph(Surv(time, event) ~ x)); say("cox", r, coef(r[[2]]))
r <- clock(function() coxph(Surv(time, event) ~ x + strata(stratum))); say("cox_strata", r, coef(r[[2]]))
r <- clock(function() coxph(Surv(time, event) ~ x, robust = TRUE)); say("cox_robust", r, sqrt(diag(r[[2]]$var)))
r <- clock(function() survfit(Surv(time, event) ~ arm)); say("kaplan_meier", r, summary(r[[2]], times = 365)$surv)
r <- clock(function() survdiff(Surv(time, event) ~ arm)); say("log_rank", r, r[[2]]$chisq)

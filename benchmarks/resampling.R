# Times R's own calls: Rscript resampling.R FILE N P FITS. Seconds of FITS bootstrap fits and of the scan.
suppressMessages(library(survival))
a <- commandArgs(TRUE); n <- as.integer(a[2]); p <- as.integer(a[3]); fits <- as.integer(a[4])
v <- readBin(a[1], "double", n * (3 + p) + n * fits)
time <- v[1:n]; event <- v[n + 1:n]; count <- v[2 * n + 1:n]
x <- matrix(v[3 * n + seq_len(n * p)], n); rows <- matrix(v[(3 + p) * n + seq_len(n * fits)] + 1, n)
s <- system.time(b <- apply(rows, 2, function(i) coef(coxph(Surv(time[i], event[i]) ~ x[i, ]))))[["elapsed"]]
cat("bootstrap", sprintf("%.17g", c(s, b[, 1])), "\n")
if (requireNamespace("maxstat", quietly = TRUE)) {
  s <- system.time(m <- maxstat::maxstat.test(Surv(time, event) ~ count, data.frame(time, event, count), smethod = "LogRank", pmethod = "Lau94", minprop = 0.01, maxprop = 0.99))[["elapsed"]]
  cat("scan", sprintf("%.17g", c(s, m$statistic)), "\n")
}

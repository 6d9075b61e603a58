# Pinned values of Rubin's rules. Run in this folder: Rscript rubin.R > rubin.json
# Base R only, written from the formulae (Rubin 1987; Barnard and Rubin 1999); no package for it is in Debian 12.
num <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
out <- character()
put <- function(id, ...) {
  v <- list(...)
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", %s}', id, paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", "))
}
set.seed(1869)
for (m in c(2, 3, 20)) for (n in c(Inf, 30, 400)) {
  q <- round(rnorm(m, 0.5, 0.1), 4); u <- round(runif(m, 0.01, 0.03), 5)
  w <- mean(u); b <- var(q); total <- w + (1 + 1 / m) * b
  lambda <- (1 + 1 / m) * b / total; r <- (1 + 1 / m) * b / w
  old <- (m - 1) / lambda^2
  complete <- n - 1
  df <- if (is.finite(n)) { obs <- (complete + 1) / (complete + 3) * complete * (1 - lambda); old * obs / (old + obs) } else old
  half <- qt(0.975, df) * sqrt(total)
  fmi <- (r + 2 / (df + 3)) / (r + 1)
  put(paste(m, if (is.finite(n)) n else "many"), q = q, u = u, estimate = mean(q), se = sqrt(total), df = df,
      limits = c(mean(q) - half, mean(q) + half), p = 2 * pt(-abs(mean(q) / sqrt(total)), df), fraction = fmi, efficiency = 1 / (1 + fmi / m))
}
cat('{"made_with": "', R.version.string, '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

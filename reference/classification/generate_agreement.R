# Values for tests/classification/test_agreement.py, made by vcd::Kappa and R's own tests.
# Run from the repository root: Rscript reference/classification/generate_agreement.R
# Writes reference/classification/agreement.csv (case, position, value) and agreement_session.txt.
library(vcd)
out <- list()
put <- function(case, values) {
  out[[length(out) + 1]] <<- data.frame(case = case, position = seq_along(values) - 1,
                                        value = sprintf("%.17g", values))
}
tables <- list(
  rare = matrix(c(118, 5, 2, 0), 2, byrow = TRUE),
  operator = matrix(c(41, 6, 3, 250), 2, byrow = TRUE),
  diagnoses = matrix(c(75, 1, 4, 5, 4, 1, 0, 0, 10), 3, byrow = TRUE),
  her2 = matrix(c(88, 9, 1, 0, 12, 40, 7, 1, 2, 8, 31, 6, 0, 1, 5, 44), 4, byrow = TRUE)
)
for (name in names(tables)) {
  counts <- tables[[name]]
  linear <- Kappa(counts, weights = "Equal-Spacing")
  quadratic <- Kappa(counts, weights = "Fleiss-Cohen")
  put(paste0("kappa_", name), c(linear$Unweighted, linear$Weighted, quadratic$Weighted))
  put(paste0("counts_", name), c(t(counts)))
}
for (name in c("rare", "operator")) {
  counts <- tables[[name]]
  n <- sum(counts)
  limits <- function(x, m) { test <- binom.test(x, m); c(test$estimate, test$conf.int) }
  put(paste0("observed_", name), limits(sum(diag(counts)), n))
  put(paste0("sensitivity_", name), limits(counts[1, 1], sum(counts[1, ])))
  put(paste0("confirmed_", name), limits(counts[1, 1], sum(counts[, 1])))
  put(paste0("mcnemar_", name), binom.test(counts[1, 2], counts[1, 2] + counts[2, 1])$p.value)
}
write.csv(do.call(rbind, out), "reference/classification/agreement.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("vcd", packageVersion("vcd"))), "reference/classification/agreement_session.txt")

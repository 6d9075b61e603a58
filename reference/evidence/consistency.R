# p-values of two groups' counts, limits of survivors, ratio of two rates, sign tests and sample
# sizes, by R alone. Writes consistency.json beside this file.
# Rscript reference/evidence/consistency.R
library(survival)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE)))
digits <- function(x) paste(format(x, digits = 17), collapse = ", ")
tables <- list(c(5, 29, 4, 29), c(5, 31, 4, 32), c(136, 692, 299, 1334), c(16, 23, 14, 18),
               c(0, 12, 3, 15), c(7, 18, 16, 335), c(11, 96, 36, 478))
row <- function(t) {
  m <- matrix(c(t[1], t[3], t[2] - t[1], t[4] - t[3]), 2)
  p <- c(fisher.test(m)$p.value, fisher.test(m, alternative = "less")$p.value,
         fisher.test(m, alternative = "greater")$p.value,
         suppressWarnings(chisq.test(m, correct = FALSE)$p.value),
         suppressWarnings(chisq.test(m)$p.value),
         suppressWarnings(prop.test(c(t[1], t[3]), c(t[2], t[4]), alternative = "less",
                                    correct = FALSE)$p.value))
  sprintf("  {\"table\": [%s], \"p\": [%s]}", digits(t), digits(p))
}
rates <- poisson.test(c(7, 16), c(32.7, 796.3))
km <- summary(survfit(Surv(c(rep(0.5, 2), rep(2, 30)), c(1, 1, rep(0, 30))) ~ 1,
                      conf.type = "log-log"), times = 1)
size <- power.prop.test(p1 = 0.863, p2 = 0.647, power = 0.8)$n
text <- c(
  "{", " \"tables\": [", paste(sapply(tables, row), collapse = ",\n"), " ],",
  sprintf(" \"rates\": [%s],", digits(c(rates$estimate, rates$conf.int, rates$p.value))),
  sprintf(" \"survivors_30_of_32\": [%s],", digits(c(km$surv, km$lower, km$upper))),
  sprintf(" \"sign\": [%s],", digits(c(binom.test(10, 10)$p.value, binom.test(6, 6)$p.value,
                                       binom.test(3, 11)$p.value))),
  sprintf(" \"two_shares\": %s", digits(size)), "}")
writeLines(text, file.path(here, "consistency.json"))

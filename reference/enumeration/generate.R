# Values for tests/enumeration, made by R's own distributions, tests and MASS::glm.nb.
# Run from the repository root: Rscript reference/enumeration/generate.R
# Writes reference/enumeration/values.csv (case, position, value) and session.txt.
library(MASS)
out <- list()
put <- function(case, values) {
  out[[length(out) + 1]] <<- data.frame(case = case, position = seq_along(values) - 1,
                                        value = sprintf("%.17g", values))
}
n <- c(0, 1, 4, 5, 12, 250, 1789)
put("garwood_90_lower", ifelse(n == 0, 0, qgamma(0.05, n)))
put("garwood_90_upper", qgamma(0.95, n + 1))
put("jeffreys_lower", qgamma(0.025, n + 0.5))
put("jeffreys_upper", qgamma(0.975, n + 0.5))
x <- c(0, 7, 95, 2814, 20); m <- c(20, 18, 1317, 10307, 20)
put("clopper_pearson_lower", sapply(seq_along(x), function(i) binom.test(x[i], m[i])$conf.int[1]))
put("clopper_pearson_upper", sapply(seq_along(x), function(i) binom.test(x[i], m[i])$conf.int[2]))
put("wilson_lower", sapply(seq_along(x), function(i) suppressWarnings(prop.test(x[i], m[i], correct = FALSE)$conf.int[1])))
put("wilson_upper", sapply(seq_along(x), function(i) suppressWarnings(prop.test(x[i], m[i], correct = FALSE)$conf.int[2])))
a <- c(12, 5, 0, 3, 40, 0, 7); b <- c(2, 4, 6, 3, 61, 0, 30)
v <- c(7.5, 7.5, 7.5, 5, 7.5, 7.5, 7.5); w <- c(7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 15)
share <- w / (v + w)
tests <- sapply(seq_along(a), function(i) if (a[i] + b[i] == 0) 1 else binom.test(b[i], a[i] + b[i], share[i])$p.value)
put("change_minimum_likelihood", tests)
put("change_doubling", pmin(1, 2 * pmin(pbinom(b, a + b, share), pbinom(b - 1, a + b, share, lower.tail = FALSE))))
y <- c(0, 0, 3, 1, 0, 12, 0, 5, 41, 0, 2, 0, 0, 7, 1, 0, 0, 96, 3, 0)
vol <- c(7.5, 7.5, 7.5, 5, 7.5, 15, 7.5, 7.5, 30, 15, 7.5, 7.5, 6, 7.5, 7.5, 4, 7.5, 15, 7.5, 7.5)
fit <- glm.nb(y ~ offset(log(vol)), control = glm.control(maxit = 500, epsilon = 1e-13))
put("nb_offset_mean", exp(coef(fit)[[1]]))
put("nb_offset_size", fit$theta)
put("nb_offset_log_likelihood", fit$twologlik / 2)
# Poisson-lognormal: probability of 0, 5 and 200 cells, and posterior of the concentration
pln <- function(k, v, mu, s) integrate(function(z) dpois(k, v * exp(mu + s * z)) * dnorm(z), -9, 9,
                                       rel.tol = 1e-12, subdivisions = 2000)$value
put("pln_pmf", sapply(c(0, 5, 20), pln, v = 7.5, mu = -1, s = 1.5))
post <- function(k, v, mu, s, c0) integrate(function(z) dpois(k, v * exp(mu + s * z)) * dnorm(z),
                                            (log(c0) - mu) / s, 9, rel.tol = 1e-12, subdivisions = 2000)$value / pln(k, v, mu, s)
put("pln_tail", sapply(c(0, 5, 20), post, v = 7.5, mu = -1, s = 1.5, c0 = 5 / 7.5))
# negative binomial with blanks: P(N = n) by convolution, recovery 0.85, 0.02 blanks per ml
nb <- function(n) sum(dnbinom(n - 0:n, size = 0.3, mu = 7.5 * 0.85 * 0.8) * dpois(0:n, 7.5 * 0.02))
put("nb_blank_pmf", sapply(c(0, 1, 5, 30), nb))
# second tube at cut-off 5 given n, gamma posterior (no blanks), recovery 0.85, mean 0.8, size 0.3
k0 <- 0.3; rate <- k0 / 0.8 + 7.5 * 0.85; n1 <- c(0, 3, 5, 9)
put("nb_second_at_least_5", pnbinom(4, size = k0 + n1, prob = rate / (rate + 7.5 * 0.85), lower.tail = FALSE))
put("nb_tail", pgamma(5 / 7.5, k0 + n1, rate, lower.tail = FALSE))
put("thinning_5_of_15", pbinom(4, c(4, 8, 10, 11), 0.5, lower.tail = FALSE))
# Limits of blank and detection (CLSI EP17-A2): results of two blank and three low-level samples
blank <- c(2.1, -0.4, 3.3, 1.8, 0.2, 2.6, 4.0, 1.1, 0.9, 3.1, 2.2, 1.4, -1.0, 2.9, 3.6, 0.5, 1.9, 2.4,
           5.1, 1.2, 0.1, 2.0, 3.8, 1.6, 2.7, 0.8, 1.5, 4.4, 2.3, 1.0)
quantile_type_5 <- function(x, p) unname(quantile(x, p, type = 5))
put("lob_classical", c(quantile_type_5(blank, 0.95), quantile_type_5(blank, 0.9)))
f <- length(blank) - 2
put("lob_parametric", mean(blank) + qnorm(0.95) / (1 - 1 / (4 * f)) * sd(blank))
n_blank <- length(blank)
put("lob_parametric_limits", mean(blank) + sd(blank) * qt(c(0.025, 0.975), n_blank - 1, qnorm(0.95) * sqrt(n_blank)) / sqrt(n_blank))
put("lob_rank_limits", c(qbinom(0.025, 200, 0.95), qbinom(0.975, 200, 0.95) + 1))
low <- c(9.1, 8.2, 10.4, 9.9, 7.8, 14.2, 12.9, 15.5, 13.1, 20.2, 18.8, 22.1, 19.5, 21.0, 17.3)
level <- factor(rep(c("a", "b", "c"), c(5, 4, 6)))
pooled <- lm(low ~ level)
put("lod_pooled_sd", c(sigma(pooled), df.residual(pooled)))
put("lod_classical", 4.2 + qnorm(0.95) / (1 - 1 / (4 * df.residual(pooled))) * sigma(pooled))
# Counts: blanks Poisson or negative binomial, spikes Poisson or negative binomial
blank_mean <- c(0, 0.02, 0.12, 0.5, 2.7, 11)
put("lob_poisson", qpois(0.95, blank_mean))
put("lob_negative_binomial", qnbinom(0.95, size = 0.4, mu = blank_mean[-1]))
missed <- function(s, k, m, dblank, pspike) sum(dblank(0:k, m) * pspike(k - 0:k, s))
needed <- function(k, m, dblank, pspike) uniroot(function(s) missed(s, k, m, dblank, pspike) - 0.05, c(0, 200), tol = 1e-12)$root
k <- qpois(0.95, blank_mean)
put("lod_poisson", mapply(needed, k, blank_mean, MoreArgs = list(dblank = dpois, pspike = ppois)))
put("lod_overdispersed", mapply(needed, qnbinom(0.95, size = 0.4, mu = blank_mean[-1]), blank_mean[-1],
    MoreArgs = list(dblank = function(x, m) dnbinom(x, size = 0.4, mu = m), pspike = function(x, m) pnbinom(x, size = 5, mu = m))))
# Detection curves: level, detected, tried
spike <- data.frame(level = c(1, 2, 4, 8, 16), hit = c(6, 11, 16, 19, 20), n = 20)
tight <- glm.control(epsilon = 1e-14, maxit = 200)
for (link in c("probit", "logit")) for (scale in c("log10", "linear")) {
  spike$x <- if (scale == "log10") log10(spike$level) else spike$level
  curve <- glm(cbind(hit, n - hit) ~ x, binomial(link), spike, control = tight)
  dose <- dose.p(curve, p = 0.95)
  put(paste("curve", link, scale, sep = "_"),
      c(coef(curve), vcov(curve)[c(1, 2, 4)], dose, attr(dose, "SE"), deviance(curve)))
}
# Found against spiked
spiked <- c(0, 0, 5, 5, 10, 10, 50, 50, 500, 500); found <- c(0, 1, 4, 5, 7, 10, 41, 45, 430, 417)
for (w in list(rep(1, 10), 1 / pmax(spiked, 1), c(1, 2, 1, 2, 1, 2, 1, 2, 1, 2))) {
  line <- lm(found ~ spiked, weights = w)
  put(paste0("recovery_", c("equal", "inverse", "given")[1 + (w[3] < 1) + 2 * (w[2] == 2)]),
      c(coef(line), confint(line)[1, ], confint(line)[2, ], sigma(line), vcov(line)[1, 2]))
}
# Data of the case counts_nb_regression as model columns (Quine 1978; Thall and Vail 1990, from MASS)
columns <- function(formula, data, response) cbind(y = data[[response]], model.matrix(formula, data)[, -1])
write.csv(columns(~ Sex + Age + Eth + Lrn, quine, "Days"), "reference/enumeration/quine.csv", row.names = FALSE, quote = FALSE)
epil_x <- columns(~ trt + log(base/4) + log(age), epil, "y")
write.csv(apply(epil_x, 2, function(v) sprintf("%.17g", v)), "reference/enumeration/epil.csv", row.names = FALSE, quote = FALSE)
write.csv(do.call(rbind, out), "reference/enumeration/values.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("MASS", packageVersion("MASS"))), "reference/enumeration/session.txt")

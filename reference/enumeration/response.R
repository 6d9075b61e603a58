# Response, logistic models, kinetics: Rscript response.R  (from reference/enumeration; writes response.json)
suppressMessages(library(jsonlite)); options(warn = -1)
set.seed(20261126)
n <- 260
count <- rnbinom(n, size = 0.35, mu = 2); age <- round(rnorm(n, 52, 9)); her2 <- rbinom(n, 1, 0.3)
pcr <- rbinom(n, 1, plogis(-0.8 - 0.35 * log1p(count) + 1.1 * her2 - 0.02 * (age - 52)))
category <- cut(count, c(-1, 0, 1, 2, 4, Inf), labels = c("0", "1", "2", "3-4", ">=5"))
x <- as.vector(tapply(pcr, category, sum)); m <- as.vector(table(category))
trend <- prop.trend.test(x, m)
armitage <- function(x, m, s) {                       # formula of DescTools::CochranArmitageTest
  p <- sum(x) / sum(m); sb <- sum(m * s) / sum(m)
  sum(x * (s - sb)) / sqrt(p * (1 - p) * sum(m * (s - sb)^2))
}
# Exact tests of a small table by listing every table with its margins
tables <- function(m, r) { g <- as.matrix(expand.grid(lapply(m, function(k) 0:k))); g[rowSums(g) == r, , drop = FALSE] }
exact <- function(x, m, s) {
  g <- tables(m, sum(x)); p <- apply(g, 1, function(k) prod(choose(m, k))) / choose(sum(m), sum(x))
  t <- g %*% s; e <- sum(x) * sum(m * s) / sum(m)
  list(trend = sum(p[abs(t - e) >= abs(sum(x * s) - e) - 1e-7]), fisher = fisher.test(rbind(x, m - x))$p.value)
}
small <- list(x = c(9, 3, 1, 1), m = c(14, 7, 6, 8), s = c(0, 1, 2, 4))

root_profile <- function(y, X, j) {                   # limits of the profile likelihood itself
  ctl <- glm.control(epsilon = 1e-15, maxit = 200)
  full <- glm.fit(X, y, family = binomial(), control = ctl)
  v <- solve(crossprod(X * sqrt(full$weights))); se <- sqrt(v[j, j]); b <- full$coefficients[j]
  f <- function(t) glm.fit(X[, -j, drop = FALSE], y, family = binomial(), offset = t * X[, j], control = ctl)$deviance -
    full$deviance - qchisq(0.95, 1)
  c(uniroot(f, c(b - 4 * se, b), tol = 1e-13)$root, uniroot(f, c(b, b + 4 * se), tol = 1e-13)$root)
}
X <- cbind(1, log1p(count), her2, age)
fit <- glm(pcr ~ log1p(count) + her2 + age, binomial(), control = glm.control(epsilon = 1e-15, maxit = 200))
# Separation: everybody with flag = 1 responds; the limit drops these rows
flag <- as.integer(pcr == 1 & her2 == 1 & age < 52)
rest <- flag == 0
lim <- glm(pcr[rest] ~ log1p(count[rest]) + age[rest], binomial(), control = glm.control(epsilon = 1e-15, maxit = 200))
lower_flag <- function() {
  X3 <- cbind(1, log1p(count), age); ctl <- glm.control(epsilon = 1e-15, maxit = 200)
  f <- function(t) glm.fit(X3, pcr, family = binomial(), offset = t * flag, control = ctl)$deviance -
    lim$deviance - qchisq(0.95, 1)
  uniroot(f, c(0, 20), tol = 1e-13)$root
}
# Kinetics: Poisson regression of one patient, profile roots
kin <- list(list(t = c(0, 28, 57, 90), y = c(37, 12, 9, 1), v = c(7.5, 7.5, 6.8, 7.5)),
            list(t = c(0, 30), y = c(2, 5), v = c(7.5, 15)),
            list(t = c(0, 21, 49), y = c(6, 0, 0), v = c(7.5, 7.5, 7.5)),
            list(t = c(3, 24, 60), y = c(0, 4, 1), v = c(7.5, 7, 7.5)))
slope <- function(k) {
  ctl <- glm.control(epsilon = 1e-15, maxit = 200); dev <- function(b)
    glm.fit(rep(1, length(k$t)), k$y, family = poisson(), offset = log(k$v) + b * k$t, control = ctl)$deviance
  q <- qchisq(0.95, 1); infinite <- sum(k$y[-1]) == 0
  if (infinite) { base <- 0; b <- NA } else {
    f <- glm(y ~ t + offset(log(v)), poisson(), k, control = ctl); b <- coef(f)[2]; base <- f$deviance }
  up <- uniroot(function(x) dev(x) - base - q, c(if (infinite) -1 else b, 1), tol = 1e-14)$root
  low <- if (infinite) NA else uniroot(function(x) dev(x) - base - q, c(-1.5, b), tol = 1e-14)$root
  pearson <- if (infinite || length(k$t) < 3) NA else
    pchisq(sum(residuals(f, "pearson")^2), length(k$t) - 2, lower.tail = FALSE)
  two <- poisson.test(c(tail(k$y, 1), k$y[1]), c(tail(k$v, 1), k$v[1]))
  list(t = k$t, y = k$y, v = k$v, slope = unname(b), lower = low, upper = up, pearson = pearson,
       ratio = unname(two$estimate), ratio_limits = two$conf.int[1:2])
}
values <- list(
  r = R.version.string, count = count, age = age, her2 = her2, pcr = pcr, flag = flag,
  x = x, n = m, trend = list(chisq = unname(trend$statistic), p = trend$p.value, z = armitage(x, m, 0:4)),
  scored = list(chisq = unname(prop.trend.test(x, m, c(0, 1, 2, 3.5, 8))$statistic)),
  pearson = unname(chisq.test(rbind(x, m - x), correct = FALSE)$statistic),
  fisher = fisher.test(rbind(x, m - x), workspace = 2e8)$p.value,
  small = c(small, exact(small$x, small$m, small$s)),
  logistic = list(coef = unname(coef(fit)), se = unname(sqrt(diag(vcov(fit)))), deviance = deviance(fit),
    null = fit$null.deviance, profile = lapply(1:4, function(j) root_profile(pcr, X, j)),
    fitted = unname(fitted(fit)[1:5])),
  separated = list(coef = unname(coef(lim)), se = unname(sqrt(diag(vcov(lim)))), deviance = deviance(lim),
    lower = lower_flag()),
  kinetics = lapply(kin, slope))
cat(toJSON(values, digits = I(17), auto_unbox = TRUE, pretty = FALSE, na = "null"), "\n", file = "response.json")

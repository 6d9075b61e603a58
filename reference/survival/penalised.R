# Profile limits, Firth's penalty and shared frailty. Run in this folder: Rscript penalised.R > penalised.json
# The maxima are found here by R's own optimisers over coxph() held at given values; numDeriv gives derivatives.
suppressMessages({library(survival); library(numDeriv)})
options(warn = -1)
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", ifelse(is.infinite(x), ifelse(x > 0, "1e999", "-1e999"), sprintf("%.17g", x))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, gsub('"', "'", command), body)
}
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 200)
d <- read.csv("data/cohort.csv")
terms <- c("x1", "x2", "x3")
formula_of <- function(st, en, of, rhs) as.formula(paste0("Surv(", if (en) "entry_day, ", "t_day, event) ~ ", rhs, if (st) " + strata(stratum)", if (of) " + offset(offset)"))

for (ties in c("efron", "breslow")) for (full in 0:1) {
  d$w <- if (full) d$weight else 1
  m <- coxph(formula_of(full, full, full, "x1 + x2 + x3"), d, weights = w, ties = ties, control = ctl, robust = FALSE)
  limits <- sapply(1:3, function(j) {
    fall <- function(b) {
      d$held <- b * d[[terms[j]]] + if (full) d$offset else 0
      f <- as.formula(paste0("Surv(", if (full) "entry_day, ", "t_day, event) ~ ", paste(terms[-j], collapse = " + "), " + offset(held)", if (full) " + strata(stratum)"))
      2 * (m$loglik[2] - coxph(f, d, weights = w, ties = ties, control = ctl, robust = FALSE)$loglik[2]) - qchisq(0.95, 1)
    }
    s <- sqrt(m$var[j, j])
    c(uniroot(fall, c(coef(m)[j] - 5 * s, coef(m)[j]), tol = 1e-13)$root, uniroot(fall, c(coef(m)[j], coef(m)[j] + 5 * s), tol = 1e-13)$root)
  })
  put(paste("profile", ties, full), "uniroot over coxph(... + offset(b * x)), full: strata, entry, weights, offset", lower = limits[1, ], upper = limits[2, ])
}

penalised <- function(b, data, full, ties) {
  m <- coxph(formula_of(full, full, full, "x1 + x2 + x3"), data, weights = w, ties = ties, init = b, control = coxph.control(iter.max = 0), robust = FALSE)
  m$loglik[2] - 0.5 * as.numeric(determinant(m$var)$modulus)
}
for (ties in c("efron", "breslow")) for (full in 0:1) {
  d$w <- if (full) d$weight else 1
  f <- function(b) penalised(b, d, full, ties)
  b <- optim(c(0.4, -0.3, 0.9), function(b) -f(b), method = "BFGS", control = list(reltol = 1e-15))$par
  for (k in 1:4) b <- b - solve(hessian(f, b), grad(f, b))
  m <- coxph(formula_of(full, full, full, "x1 + x2 + x3"), d, weights = w, ties = ties, init = b, control = coxph.control(iter.max = 0), robust = FALSE)
  put(paste("firth", ties, full), "optim and Newton with numDeriv over coxph(init = b, iter.max = 0): loglik - 0.5 log|var|", coef = b, se = sqrt(diag(m$var)), value = f(b), null = f(c(0, 0, 0)), loglik = m$loglik[2])
}

if (!file.exists("data/centres.csv")) {
  set.seed(3)
  n <- 400; g <- sample(1:14, n, TRUE); hazard <- exp(rnorm(14, 0, 0.6)); x <- round(rnorm(n), 4); z <- rbinom(n, 1, 0.4)
  t <- rexp(n) * 30 / (hazard[g] * exp(0.5 * x + 0.7 * z)) + 1; end <- runif(n) * 80 + 1
  time <- pmin(t, end); entry <- time * runif(n) * 0.5
  write.csv(data.frame(centre = g, x, z, stratum = sample(1:3, n, TRUE), day = ceiling(time), entry_day = pmin(floor(entry), ceiling(time) - 1), time = round(time, 6), event = as.integer(t <= end)), "data/centres.csv", row.names = FALSE)
}
g <- read.csv("data/centres.csv")
frail <- function(theta, kind, en, ties, data = g, clock = "day") {
  y <- paste0("Surv(", if (en) "entry_day, ", clock, ", event)")
  coxph(as.formula(paste0(y, " ~ x + z + strata(stratum) + frailty.", kind, "(centre, theta = ", sprintf("%.17g", theta), ", sparse = FALSE)")), data, ties = ties, control = ctl)
}
for (kind in c("gamma", "gaussian")) for (theta in c(0.05, 0.3, 1)) for (en in 0:1) for (ties in c("efron", "breslow")) {
  m <- frail(theta, kind, en, ties)
  v <- sqrt(diag(m$var))
  values <- list(coef = coef(m)[1:2], se = v[1:2], frailties = coef(m)[-(1:2)], frailty_se = v[-(1:2)], loglik = m$loglik[2])
  if (kind == "gamma") values$marginal <- m$history[[1]]$c.loglik
  do.call(put, c(list(paste("frailty", kind, theta, en, ties), "coxph(... + strata(stratum) + frailty.kind(centre, theta = , sparse = FALSE))"), values))
}
for (en in 0:1) {
  f <- function(theta) frail(theta, "gamma", en, "efron")$history[[1]]$c.loglik
  o <- optimize(f, c(0.05, 0.6), maximum = TRUE, tol = 1e-12)
  cox <- coxph(as.formula(paste0("Surv(", if (en) "entry_day, ", "day, event) ~ x + z + strata(stratum)")), g, control = ctl)
  down <- function(theta) 2 * (o$objective - f(theta)) - qchisq(0.95, 1)
  put(paste("frailty maximum gamma", en), "optimize over the c.loglik of fixed theta; uniroot for the limits", theta = o$maximum, marginal = o$objective, null = cox$loglik[2],
      lower = uniroot(down, c(1e-3, o$maximum), tol = 1e-12)$root, upper = uniroot(down, c(o$maximum, 3), tol = 1e-12)$root)
}
# Laplace's integrated likelihood, untied times, risk set by risk set.
laplace <- function(theta) {
  m <- frail(theta, "gaussian", 0, "breslow", clock = "time")
  w <- coef(m)[-(1:2)]
  k <- length(w)
  eta <- as.vector(as.matrix(g[c("x", "z")]) %*% coef(m)[1:2]) + w[g$centre]
  risk <- exp(eta)
  value <- 0; info <- matrix(0, k, k)
  for (i in which(g$event == 1)) {
    at <- g$stratum == g$stratum[i] & g$time >= g$time[i]
    share <- tapply(risk[at], factor(g$centre[at], levels = 1:k), sum); share[is.na(share)] <- 0
    value <- value + eta[i] - log(sum(risk[at]))
    share <- as.vector(share) / sum(risk[at])
    info <- info + diag(share) - share %o% share
  }
  value - sum(w^2) / (2 * theta) - 0.5 * as.numeric(determinant(diag(k) + theta * info)$modulus)
}
o <- optimize(laplace, c(0.05, 0.8), maximum = TRUE, tol = 1e-12)
put("frailty maximum gaussian", "optimize over Laplace's integrated likelihood, written out risk set by risk set, at coxph(frailty.gaussian(theta = ))", theta = o$maximum, marginal = o$objective, at = c(0.1, 0.5), values = c(laplace(0.1), laplace(0.5)))
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

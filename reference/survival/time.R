# Pinned values of landmarks, windows, milestones, restricted means and weighted log-rank tests.
# Run in this folder: Rscript time.R > time.json
suppressMessages({library(survival); library(coin)})
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, function(x) num(unname(x)), "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, gsub('"', "'", command), body)
}
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100)
d <- read.csv("data/cohort.csv")
g <- read.csv("data/gbsg2.csv")
l <- read.csv("data/lung.csv")

# Weighted log-rank tests on untied times: coxph's score test of w(t) x, rows cut at every event time.
before <- function(at, entry, time, event) {
  u <- sort(unique(time[event == 1]))
  s <- cumprod(vapply(u, function(v) 1 - sum(time == v & event == 1) / sum(entry < v & time >= v), 0))
  vapply(at, function(v) if (any(u < v)) s[max(which(u < v))] else 1, 0)
}
risk <- function(at, entry, time) vapply(at, function(v) sum(entry < v & time >= v), 0)
kinds <- list(
  "fleming-harrington 0 1" = function(s, r, floor) 1 - s,
  "fleming-harrington 1 1" = function(s, r, floor) s * (1 - s),
  "fleming-harrington 0.5 2" = function(s, r, floor) s^0.5 * (1 - s)^2,
  "fleming-harrington 1 0" = function(s, r, floor) s,
  "tarone-ware" = function(s, r, floor) sqrt(r),
  "gehan-breslow" = function(s, r, floor) r,
  "modestly-weighted 100" = function(s, r, floor) 1 / pmax(s, floor)
)
for (late in 0:1) for (st in 0:1) {
  d$entry <- if (late) d$entry_continuous else 0
  d$one <- if (st) d$stratum else 0
  cuts <- sort(unique(d$t_continuous[d$event == 1]))
  s <- survSplit(Surv(entry, t_continuous, event) ~ ., d, cut = cuts)
  s$s <- s$r <- s$floor <- NA
  for (v in unique(d$one)) {
    k <- d$one == v; j <- s$one == v
    s$s[j] <- before(s$t_continuous[j], d$entry[k], d$t_continuous[k], d$event[k])
    s$r[j] <- risk(s$t_continuous[j], d$entry[k], d$t_continuous[k])
    s$floor[j] <- before(100 + 1e-9, d$entry[k], d$t_continuous[k], d$event[k])
  }
  for (kind in names(kinds)) {
    w <- kinds[[kind]](s$s, s$r, s$floor)
    arms <- sort(unique(d$arm))
    x <- sapply(arms[-1], function(a) (s$arm == a) * w)
    f <- if (st) Surv(entry, t_continuous, event) ~ x + strata(one) else Surv(entry, t_continuous, event) ~ x
    m <- suppressWarnings(coxph(f, s, iter.max = 0, init = rep(0, ncol(x))))
    put(paste("weighted", kind, late, st),
        "coxph(Surv(entry, t_continuous, event) ~ w x, survSplit at every event time, iter.max = 0)$score",
        statistic = m$score)
  }
}
# MaxCombo: z of coxph's score test on cut rows (sign of the coefficient's score), their correlation from the
# null information of models with two weighted covariates each; p by mvtnorm.
s <- survSplit(Surv(t_continuous, event) ~ ., d, cut = sort(unique(d$t_continuous[d$event == 1])))
s$s <- before(s$t_continuous, 0 * d$t_continuous, d$t_continuous, d$event)
x <- cbind(1, 1 - s$s, s$s, s$s * (1 - s$s)) * (s$x3 == 1)
info <- matrix(0, 4, 4); score <- numeric(4)
pairs <- list(1:2, c(1, 4), c(2, 3), c(2, 4), 3:4, c(1, 3))
for (k in pairs) {
  m <- suppressWarnings(coxph(Surv(tstart, t_continuous, event) ~ x[, k], s, iter.max = 0, init = c(0, 0)))
  v <- solve(vcov(m)); info[k, k] <- v
  score[k] <- colSums(residuals(m, type = "score"))
}
z <- score / sqrt(diag(info)); r <- cov2cor(info)
inside <- function(m) mvtnorm::pmvnorm(rep(-m, 3), rep(m, 3), corr = r[-1, -1], algorithm = mvtnorm::Miwa(steps = 4096))
put("max combo", "coxph(iter.max = 0) on survSplit rows; mvtnorm::pmvnorm(Miwa) of the last three",
    z = z, correlation = r, p_of_three = 1 - inside(max(abs(z[-1]))))
# coin's linear statistic is observed minus expected; its variance is that of permutations.
for (kind in c("Tarone-Ware", "Gehan-Breslow", "Fleming-Harrington")) {
  t <- logrank_test(Surv(t_continuous, event) ~ factor(x3), d, type = kind, rho = if (kind == "Tarone-Ware") 0.5 else 0, gamma = 1, ties.method = "Hothorn-Lausen")
  put(paste("coin", kind), paste0("statistic(logrank_test(Surv(t_continuous, event) ~ factor(x3), type = '", kind, "', rho = 0 (Tarone-Ware: 0.5), gamma = 1, ties.method = 'Hothorn-Lausen'), 'linear')"),
      difference = statistic(t, "linear"), approximate_chisq = statistic(t)^2)
}
# Milestones: Greenwood, log(-log) limits of survfit, the test of log(-log S), ratios.
for (at in c(365.25, 1826.25)) {
  s <- summary(survfit(Surv(time, event) ~ hormone, g, conf.type = "log-log"), times = at)
  e <- s$std.err; p <- s$surv
  diff <- p[2] - p[1]; se <- sqrt(sum(e^2))
  cll <- log(-log(p)); ecll <- e / (p * abs(log(p)))
  lr <- log(p[2] / p[1]); elr <- sqrt(sum((e / p)^2))
  put(paste("milestone", at), "summary(survfit(Surv(time, event) ~ hormone, conf.type = 'log-log'), times = at)",
      survival = p, error = e, difference = diff, limits = diff + c(-1, 1) * qnorm(0.975) * se, p = 2 * pnorm(-abs(diff / se)),
      loglog_limits = c(diff - sqrt((p[2] - s$lower[2])^2 + (s$upper[1] - p[1])^2), diff + sqrt((s$upper[2] - p[2])^2 + (p[1] - s$lower[1])^2)),
      loglog_p = 2 * pnorm(-abs(diff(cll)) / sqrt(sum(ecll^2))),
      ratio = c(exp(lr), exp(lr + c(-1, 1) * qnorm(0.975) * elr)), ratio_p = 2 * pnorm(-abs(lr / elr)))
}
m <- summary(survfit(Surv(time, event) ~ hormone, g), rmean = 1826.25)$table
mu <- m[, "rmean"]; e <- m[, "se(rmean)"]; z <- qnorm(0.975)
log_ratio <- function(a, b, ea, eb) { r <- log(b / a); s <- sqrt((ea / a)^2 + (eb / b)^2); c(exp(r), exp(r - z * s), exp(r + z * s), 2 * pnorm(-abs(r / s))) }
put("restricted_mean 1826.25", "summary(survfit(Surv(time, event) ~ hormone), rmean = 1826.25)$table",
    difference = c(diff(mu), sqrt(sum(e^2)), diff(mu) + c(-1, 1) * z * sqrt(sum(e^2)), 2 * pnorm(-abs(diff(mu)) / sqrt(sum(e^2)))),
    ratio = log_ratio(mu[1], mu[2], e[1], e[2]), lost = log_ratio(1826.25 - mu[1], 1826.25 - mu[2], e[1], e[2]))
# Windows: gbsg2 by hormone, grade common; breaks at 1 and 3 years.
s <- survSplit(Surv(time, event) ~ ., g, cut = 365.25 * c(1, 3), episode = "per")
m <- coxph(Surv(tstart, time, event) ~ hormone:factor(per) + grade, s, control = ctl)
m0 <- coxph(Surv(tstart, time, event) ~ hormone + grade, s, control = ctl)
put("windows gbsg2", "coxph(Surv(tstart, time, event) ~ hormone:factor(per) + grade, survSplit(cut = 365.25 * c(1, 3)))",
    coef = coef(m)[-1], se = sqrt(diag(vcov(m)))[-1], grade = coef(m)[1], lr = 2 * (m$loglik[2] - m0$loglik[2]),
    at_risk = table(s$per), events = tapply(s$event, s$per, sum), person_time = tapply(s$time - s$tstart, s$per, sum))
# Stanford heart: transplant known at day 0 (immortal time), as it happens, and by landmark.
h <- read.csv("data/heart.csv")
h$id <- cumsum(h$start == 0)
whole <- do.call(rbind, lapply(split(h, h$id), function(p) data.frame(id = p$id[1], exit = max(p$stop), event = max(p$event), tx = ifelse(any(p$transplant == 1), p$start[p$transplant == 1][1], NA), p[1, "age", drop = FALSE])))
ever <- coxph(Surv(exit, event) ~ I(!is.na(tx)) + age, whole, control = ctl)
now <- coxph(Surv(start, stop, event) ~ transplant + age, h, control = ctl)
put("heart", "coxph by transplant ever, and as it happens, each with age", ever = coef(ever)[1], now = coef(now)[1], patients = nrow(whole))
for (t in c(30, 60, 90)) {
  k <- subset(whole, exit > t); k$z <- as.integer(!is.na(k$tx) & k$tx <= t); k$left <- k$exit - t
  m <- coxph(Surv(left, event) ~ z + age, k, control = ctl)
  put(paste("heart landmark", t), "coxph(Surv(exit - t, event) ~ (tx <= t) + age, exit > t)", n = nrow(k), transplanted = sum(k$z), coef = coef(m)[1], se = sqrt(diag(vcov(m)))[1], chisq = survdiff(Surv(left, event) ~ z, k)$chisq)
}
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", coin ", as.character(packageVersion("coin")), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

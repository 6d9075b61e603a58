# Pinned values of the prognostic value of a marker. Run in this folder: Rscript value_added.R
# Data: data/value_added.csv (synthetic), data/gbsg2.csv. Writes value_added.json.
suppressMessages({library(survival); library(rms); library(maxstat); library(coin); library(cmprsk); library(prodlim)})
options(warn = -1)
ctl <- coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100)
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", as.numeric(x))), collapse = ", "), "]")
out <- character()
put <- function(id, command, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", "command": "%s", %s}', id, gsub('"', "'", command), body)
}
d <- read.csv("data/value_added.csv"); d$event <- 1 * (d$code == 1); d$log <- log1p(d$count)
y <- Surv(d$time, d$event); at <- 1095
base <- coxph(y ~ age + grade3, d, control = ctl); ext <- coxph(y ~ age + grade3 + log, d, control = ctl)
a <- anova(base, ext)
put("likelihood_ratio", "anova(coxph(y ~ age + grade3), coxph(y ~ age + grade3 + log1p(count)))",
    loglik0 = base$loglik[1], base = base$loglik[2], extended = ext$loglik[2], statistic = a$Chisq[2], df = a$Df[2], p = pchisq(a$Chisq[2], a$Df[2], lower.tail = FALSE), aic = c(AIC(base), AIC(ext)))
eta <- predict(ext); n <- length(eta)
z <- qnorm((1:n - 3/8) / (n + 1/4)); q <- ave(z[rank(eta, ties.method = "first")], eta)
m <- coxph(y ~ q, control = ctl); lr <- 2 * diff(ext$loglik)
put("royston", "D from coxph(y ~ q) converged; survival::royston(coxph) beside it", d = coef(m) * sqrt(8 / pi), se = sqrt(vcov(m) * 8 / pi),
    r2_d = coef(m)^2 / (pi^2 / 6 + coef(m)^2), royston = royston(ext), cox_snell = 1 - exp(-lr / n), oquigley = 1 - exp(-lr / sum(d$event)))
for (k in 3:7) { b <- Hmisc::rcspline.eval(d$skewed, nk = k, inclx = TRUE); put(paste("rcs skewed", k), paste0("rcspline.eval(skewed, nk = ", k, ", inclx = TRUE)"), knots = attr(b, "knots"), last = b[1:40, k - 1], first = b[1:40, 2]) }
x60 <- d$skewed[1:60]; b <- Hmisc::rcspline.eval(x60, nk = 4, inclx = TRUE); put("rcs small", "rcspline.eval(skewed[1:60], nk = 4)", knots = attr(b, "knots"), last = b[, 3])
xz <- pmax(d$skewed - 0.6, 0); b <- Hmisc::rcspline.eval(xz, nk = 5, inclx = TRUE); put("rcs zeros", "rcspline.eval(pmax(skewed - 0.6, 0), nk = 5): 30% tied at 0", knots = attr(b, "knots"), last = b[, 4])
b <- Hmisc::rcspline.eval(d$log, nk = 5, inclx = TRUE); put("rcs count", "rcspline.eval(log1p(count), nk = 5): fewer distinct knots", knots = attr(b, "knots"), last = b[1:60, ncol(b)])
B <- 12; set.seed(7); idx <- sapply(1:B, function(i) sample(n, replace = TRUE))
X <- as.matrix(d[, c("age", "grade3", "log")])
nag <- function(f, n) (1 - exp(-2 * diff(f$loglik) / n)) / (1 - exp(2 * f$loglik[1] / n))
for (ties in c("efron", "breslow")) {
  full <- coxph(y ~ X, control = ctl, ties = ties)
  one <- apply(idx, 2, function(i) {
    f <- coxph(y[i] ~ X[i, ], control = ctl, ties = ties); lp <- drop(X %*% coef(f))
    g <- coxph(y ~ lp, control = ctl, ties = ties)
    c(concordance(y[i] ~ lp[i], reverse = TRUE)$concordance, nag(f, n), concordance(y ~ lp, reverse = TRUE)$concordance, nag(g, n), coef(g), coef(f)) })
  put(paste("optimism", ties), "per sample (column of idx): C and Nagelkerke in training; C, Nagelkerke, slope in test; coefficients", idx = idx - 1, values = one,
      apparent = c(concordance(full)$concordance, nag(full, n)))
}
set.seed(7); v <- validate(cph(y ~ age + grade3 + log, d, x = TRUE, y = TRUE), B = B)
put("rms validate", "set.seed(7); rms::validate(cph(y ~ age + grade3 + log), B = 12), the same samples", dxy = v["Dxy", 1:5], r2 = v["R2", 1:5], slope = v["Slope", 1:5])
u <- Surv(d$untied, d$event)
for (p in c("Lau92", "Lau94", "exactGauss", "condMC")) { set.seed(1); more <- if (p == "condMC") list(B = 99999) else list()
  mt <- do.call(maxstat.test, c(list(u ~ log, d, smethod = "LogRank", pmethod = p, minprop = 0.1, maxprop = 0.9), more))
  put(paste("maxstat", p), paste0("maxstat.test(Surv(untied, event) ~ log1p(count), smethod = 'LogRank', pmethod = '", p, "')"), statistic = mt$statistic, p = mt$p.value, cut = expm1(mt$estimate), cuts = expm1(mt$cuts), stats = mt$stats) }
for (p in c("Lau92", "Lau94")) { mt <- maxstat.test(u ~ skewed, d, smethod = "LogRank", pmethod = p, minprop = 0.15, maxprop = 0.85)
  put(paste("maxstat skewed", p), "the same on a continuous marker, minprop = 0.15", statistic = mt$statistic, p = mt$p.value, cut = mt$estimate, stats = mt$stats) }
small <- d[1:7, ]; ms <- maxstat.test(Surv(untied, event) ~ skewed, small, smethod = "LogRank", pmethod = "none", minprop = 0.1)
perm <- function(v) if (length(v) < 2) list(v) else do.call(c, lapply(seq_along(v), function(i) lapply(perm(v[-i]), function(w) c(v[i], w))))
sc <- coin::logrank_trafo(Surv(small$untied, small$event)); mm <- 1:6
tab <- vapply(perm(sc), function(s) { e <- mm / 7 * sum(s); vv <- mm * (7 - mm) / (49 * 6) * (7 * sum(s^2) - sum(s)^2); max(abs((cumsum(s)[mm] - e) / sqrt(vv))) }, 0)
put("maxstat exact", "all 5040 permutations of the scores of the first 7 rows", statistic = ms$statistic, p = mean(tab >= ms$statistic - 1e-9))
ct <- maxstat_test(y ~ log, d, ytrafo = function(data) trafo(data, surv_trafo = function(x) logrank_trafo(x, ties.method = "mid-ranks")), minprob = 0.1, maxprob = 0.9)
put("coin", "coin::maxstat_test(Surv(time, event) ~ log1p(count)), tied times, mid-ranks", statistic = statistic(ct), all = statistic(ct, "standardized"))
cut <- 5; h <- 1 * (d$count >= cut); kn <- log1p(c(0, 2, 9, 30)); rc <- Hmisc::rcspline.eval(d$log, knots = kn, inclx = TRUE)
fits <- list(cut = coxph(y ~ h + age + grade3, d, control = ctl), log = ext, spline = coxph(y ~ rc + age + grade3, d, control = ctl), both = coxph(y ~ h + rc + age + grade3, d, control = ctl))
g <- c(0, 1, 3, 10, 50); gx <- Hmisc::rcspline.eval(log1p(g), knots = kn, inclx = TRUE); gx <- sweep(gx, 2, gx[1, ])
s <- fits$spline
put("marker forms", "coxph of cut 5, log1p, rcs(log1p, knots log1p(0, 2, 9, 30)), cut and rcs, each + age + grade3", loglik = sapply(fits, function(f) f$loglik[2]), aic = sapply(fits, AIC), cstat = sapply(fits, function(f) concordance(f)$concordance), base = base$loglik[2],
    count = g, log_hr = gx %*% coef(s)[1:3], se = sqrt(diag(gx %*% vcov(s)[1:3, 1:3] %*% t(gx))))
# calibration at day 1095, competing events as censored first
p <- d$marked; cll <- log(-log(1 - p)); grp <- cut(p, quantile(p, 0:10 / 10), include.lowest = TRUE, labels = FALSE)
km <- sapply(1:10, function(k) { f <- summary(survfit(y[grp == k] ~ 1, conf.type = "log-log"), times = at); c(1 - f$surv, f$std.err, 1 - f$upper, 1 - f$lower) })
all <- summary(survfit(y ~ 1, conf.type = "log-log"), times = at)
sl <- coxph(y ~ cll, control = ctl); rb <- Hmisc::rcspline.eval(cll, nk = 3, inclx = TRUE); sm <- coxph(y ~ rb, control = ctl)
o <- 1 - c(summary(survfit(sm, newdata = list(rb = rb)), times = at)$surv)
put("calibration", "groups: survfit per quantile group, log-log; slope and curve: coxph on cll and rcs(cll, 3); ICI as Austin 2020", predicted = tapply(p, grp, mean), n = table(grp), km = km, overall = c(1 - all$surv, all$std.err, 1 - all$upper, 1 - all$lower),
    slope = c(coef(sl), sqrt(vcov(sl))), ici = mean(abs(o - p)), e50 = median(abs(o - p)), e90 = quantile(abs(o - p), 0.9), smoothed = o[1:50])
gk <- rms::groupkm(1 - p, y, cuts = quantile(1 - p, 0:10 / 10), u = at); put("groupkm", "rms::groupkm(1 - predicted, cuts = deciles, u = 1095)", x = gk[, "x"], n = gk[, "n"], km = gk[, "KM"])
aj <- prodlim(Hist(time, code) ~ 1, d); pl <- function(f) { i <- sindex(f$time, eval.times = at); c(f$cuminc[[1]][i], f$se.cuminc[[1]][i]) }
ajg <- sapply(1:10, function(k) pl(prodlim(Hist(time, code) ~ 1, d[grp == k, ])))
cr <- crr(d$time, d$code, rb, failcode = 1, gtol = 1e-12, maxiter = 50); pr <- cr$uftime; H <- cumsum(cr$bfitj)[max(which(pr <= at))]
oc <- 1 - exp(-H * exp(rb %*% cr$coef)); sc1 <- crr(d$time, d$code, cll, failcode = 1, gtol = 1e-12, maxiter = 50)
put("calibration competing", "prodlim per group (Greenwood-type se), cmprsk::crr on cll and rcs(cll, 3)", overall = pl(aj), groups = ajg, slope = c(sc1$coef, sqrt(sc1$var)), ici = mean(abs(oc - p)), e90 = quantile(abs(oc - p), 0.9), smoothed = oc[1:50])
# decision curves: the formula of Vickers et al 2008, risk among those at or above the threshold
th <- c(0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)
gone <- function(i) max(d$time[i]) < at && min(survfit(Surv(d$time[i], d$code[i] > 0) ~ 1)$surv) > 0
risk_km <- function(i) { f <- survfit(y[i] ~ 1); if (max(d$time[i]) < at && min(f$surv) > 0) return(NA); 1 - summary(f, times = at, extend = TRUE)$surv }
fac <- factor(d$code, 0:2); risk_aj <- function(i) { if (gone(i)) return(NA); summary(survfit(Surv(d$time[i], fac[i]) ~ 1), times = at, extend = TRUE)$pstate[1, 2] }
nb <- function(p, risk) sapply(th, function(t) { x <- p >= t; if (!any(x)) return(0); f <- risk(x); mean(x) * (f - (1 - f) * t / (1 - t)) })
one <- rep(1, n)
put("decision curve", "NB = P(x) (F - (1 - F) t / (1 - t)), F by survfit and by survfit with states, among p >= t", thresholds = th, clinical = nb(d$clinical, risk_km), marked = nb(d$marked, risk_km), all = nb(one, risk_km),
    clinical_aj = nb(d$clinical, risk_aj), marked_aj = nb(d$marked, risk_aj), all_aj = nb(one, risk_aj))
v <- sapply(c("survival", "rms", "Hmisc", "maxstat", "coin", "cmprsk", "prodlim"), function(p) paste(p, packageVersion(p)))
cat('{"made_with": "', R.version.string, ", ", paste(v, collapse = ", "), '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "", file = "value_added.json")

# Pinned values of formulas. Run in this folder: Rscript formula.R > formula.json
suppressMessages({ library(survival); library(splines); library(Hmisc) })
num <- function(x) paste0("[", paste(ifelse(is.na(x), "null", sprintf("%.17g", x)), collapse = ", "), "]")
out <- character()
put <- function(id, ...) {
  v <- list(...)
  body <- paste(sprintf('"%s": %s', names(v), vapply(v, num, "")), collapse = ", ")
  out[[length(out) + 1]] <<- sprintf('  {"id": "%s", %s}', gsub('"', "'", id), body)
}
ctl <- suppressWarnings(coxph.control(eps = 1e-14, toler.chol = 1e-13, iter.max = 100))
d <- read.csv("data/discrimination.csv")
d$event <- 1 * (d$code == 1)
d$site <- c("north", "east", "south")[d$stratum + 1]
d$site_south <- relevel(factor(d$site), ref = "south")
rcs4 <- function(x) rcspline.eval(x, nk = 4, inclx = TRUE)
for (f in c("Surv(time, event) ~ first * second + log1p(weight)",
            "Surv(time, event) ~ site_south + first",
            "Surv(time, event) ~ site * factor(weight)",
            "Surv(time, event) ~ first + factor(weight):second + strata(stratum)",
            "Surv(time, event) ~ first + strata(stratum, weight)",
            "Surv(entry, time, event) ~ first + offset(second / 2) + cluster(cluster)",
            "Surv(time, code == 2) ~ poly(first, 2) + sqrt(weight)",
            "Surv(time, event) ~ rcs4(first)",
            "Surv(time, event) ~ bs(first, df = 5)",
            "Surv(time, event) ~ scale(first) + I(second^2)")) {
  m <- coxph(as.formula(f), d, control = ctl)
  put(f, coef = coef(m), se = sqrt(diag(vcov(m))), loglik = m$loglik)
}
m <- coxph(Surv(time, event) ~ first * site + strata(cluster > 25), d, control = ctl)
new <- data.frame(first = c(0, 1), site = c("south", "east"), cluster = c(2, 40))
s <- summary(survfit(m, new[1, ]), times = 12); s2 <- summary(survfit(m, new[2, ]), times = 12)
# each summary has both strata; the first row belongs to the first, the second to the second
put("prediction", survival = c(s$surv[1], s2$surv[2]), lower = c(s$lower[1], s2$lower[2]), upper = c(s$upper[1], s2$upper[2]))
put("survdiff", statistic = survdiff(Surv(time, event) ~ site + weight + strata(cluster > 25), d)$chisq)
put("survfit", survival = summary(survfit(Surv(time, event) ~ site + weight, d), times = 12)$surv)
cat('{"made_with": "', R.version.string, ", survival ", as.character(packageVersion("survival")), ", Hmisc ", as.character(packageVersion("Hmisc")),
    '",\n "values": [\n', paste(out, collapse = ",\n"), "\n]}\n", sep = "")

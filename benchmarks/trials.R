# Simulate the reference trial with rpact: looks, iterations, seed -> CPU seconds, power.
library(rpact)
words <- commandArgs(trailingOnly = TRUE)
looks <- as.integer(words[1])
iterations <- as.integer(words[2])
design <- if (looks == 1) {
  getDesignGroupSequential(kMax = 1, alpha = 0.025, sided = 1)
} else {
  getDesignGroupSequential(
    kMax = 3, alpha = 0.025, sided = 1, typeOfDesign = "asOF",
    informationRates = c(167, 333, 500) / 500
  )
}
simulate <- function(n, seed) {
  getSimulationSurvival(
    design,
    piecewiseSurvivalTime = c(0, 6), lambda2 = c(0.06, 0.04), hazardRatio = 0.75,
    directionUpper = FALSE, dropoutRate1 = 1 - exp(-0.06), dropoutRate2 = 1 - exp(-0.06),
    dropoutTime = 12, accrualTime = c(0, 24), maxNumberOfSubjects = 800,
    plannedEvents = if (looks == 1) 500 else c(167, 333, 500),
    maxNumberOfIterations = n, seed = seed
  )
}
invisible(simulate(50, 1))
took <- system.time(found <- simulate(iterations, 2))
cat(sum(took[c("user.self", "sys.self")]), found$overallReject, "\n")
cat(as.character(packageVersion("rpact")), "\n")

# Reference values of tests/test_choice.py.
#
#   Rscript tests/reference/choice.R > tests/reference/choice.json
#
# McFadden's choice model as the conditional likelihood of survival::coxph (which clogit
# calls), on columns that are written out by hand from AER::TravelMode.

suppressMessages({
  library(survival)
  library(jsonlite)
})

travel <- read.csv("datasets/travel_mode.csv")
control <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)

# Constants, and `what` times the indicator of each alternative.
indicators <- function(data, levels, what = 1) {
  columns <- sapply(levels, function(level) what * (data$mode == level))
  colnames(columns) <- levels
  columns
}

fit <- function(data, columns, offset = rep(0, nrow(data)), weights = rep(1, nrow(data))) {
  columns <- as.matrix(columns)
  # one event in each stratum, so that the approximation of ties is no approximation
  model <- coxph(
    Surv(rep(1, nrow(data)), data$choice) ~ columns + offset(offset) + strata(data$individual),
    weights = weights, ties = "breslow", robust = FALSE, control = control
  )
  # coxph weighs the sum over a stratum too, which adds - w log w for each
  first <- !duplicated(data$individual)
  shift <- sum(weights[first] * log(weights[first]))
  list(
    params = setNames(as.list(unname(coef(model))), colnames(columns)),
    bse = setNames(as.list(unname(sqrt(diag(vcov(model))))), colnames(columns)),
    llf = model$loglik[2] + shift,
    llequal = model$loglik[1] + shift
  )
}

named <- function(columns, prefix) {
  colnames(columns) <- paste0(prefix, ":", colnames(columns))
  columns
}

constants <- function(data, levels) named(indicators(data, levels), "Intercept")
of <- function(data, variable, levels) named(indicators(data, levels, data[[variable]]), variable)

not_car <- c("air", "train", "bus")
not_air <- c("train", "bus", "car")
all_modes <- c("air", "train", "bus", "car")
results <- list()

results$greene <- fit(
  travel, cbind(constants(travel, not_car), gcost = travel$gcost, wait = travel$wait,
                airinc = travel$income * (travel$mode == "air"))
)
results$income <- fit(
  travel, cbind(constants(travel, not_car), gcost = travel$gcost, wait = travel$wait,
                of(travel, "income", not_car))
)
results$three_parts <- fit(
  travel, cbind(constants(travel, not_air), gcost = travel$gcost, wait = travel$wait,
                of(travel, "income", not_air), of(travel, "size", not_air),
                of(travel, "travel", all_modes))
)
results$no_constants <- fit(travel, cbind(gcost = travel$gcost, wait = travel$wait))
results$constants <- fit(travel, constants(travel, not_car))

# The bus is not there for every third traveller who did not take it, the train not for
# every fifth; travellers count 1, 2 or 3 times; part of the utility is known.
gone <- with(travel, choice == 0 & ((individual %% 3 == 0 & mode == "bus") |
                                    (individual %% 5 == 0 & mode == "train")))
fewer <- travel[!gone, ]
weights <- 1 + fewer$individual %% 3
known <- -0.01 * fewer$vcost
results$varying <- fit(
  fewer, cbind(constants(fewer, not_car), gcost = fewer$gcost, wait = fewer$wait,
               of(fewer, "income", not_car)),
  offset = known, weights = weights
)
results$varying_constants <- fit(
  fewer, constants(fewer, not_car), offset = known, weights = weights
)

cat(toJSON(
  c(list(made_with = paste(R.version.string, "survival", packageVersion("survival"))), results),
  auto_unbox = TRUE, digits = I(15), pretty = TRUE
))

# Residuals and influence of generalised linear models, from R; run in this folder:
#   Rscript influence.R
suppressPackageStartupMessages({library(jsonlite); library(statmod); library(MASS)})

set.seed(41)
n <- 24
data <- data.frame(
  x = round(rnorm(n), 3), z = round(runif(n), 3), w = sample(1:3, n, TRUE),
  trials = sample(3:9, n, TRUE)
)
data$good <- rbinom(n, data$trials, plogis(-0.3 + data$x))
data$binary <- as.numeric(runif(n) < plogis(0.4 + 1.2 * data$x))
data$count <- rpois(n, exp(0.8 + 0.5 * data$x))
data$positive <- round(rgamma(n, 4, 4 / exp(1 + 0.3 * data$x)), 3)
data$real <- round(1 + data$x - data$z + rnorm(n), 3)

cases <- list(
  list(name = "binary", formula = binary ~ x + z, family = binomial(), glmfit = "binomial"),
  list(name = "trials", formula = cbind(good, trials - good) ~ x + z, family = binomial(),
       glmfit = "binomial"),
  list(name = "probit", formula = cbind(good, trials - good) ~ x, family = binomial("probit"),
       glmfit = "binomial"),
  list(name = "poisson", formula = count ~ x + z, family = poisson(), glmfit = "poisson"),
  list(name = "gamma", formula = positive ~ x + z, family = Gamma("log"), glmfit = "gamma"),
  list(name = "inverse", formula = positive ~ x, family = inverse.gaussian("log"),
       glmfit = "inversegaussian"),
  list(name = "gaussian", formula = real ~ x + z, family = gaussian(), glmfit = "gaussian"),
  list(name = "precision", formula = positive ~ x, family = Gamma("log"), weights = "w",
       glmfit = "gamma")
)

run <- function(case) {
  weights <- if (is.null(case$weights)) rep(1, n) else data[[case$weights]]
  formula <- case$formula
  environment(formula) <- environment()
  fit <- glm(formula, case$family, data, weights, control = glm.control(1e-15, 100))
  # glm() stops when the deviance stays, which is long before the coefficients do
  for (again in 1:20) fit <- update(fit, start = coef(fit))
  measures <- influence.measures(fit)$infmat
  p <- length(coef(fit))
  refits <- t(sapply(seq_len(n), function(i) {
    part <- data[-i, ]
    again <- weights[-i]
    local <- formula
    environment(local) <- environment()
    coef(glm(local, case$family, part, again, control = glm.control(1e-15, 100)))
  }))
  list(
    name = case$name, family = case$glmfit, link = case$family$link,
    weights = case$weights,
    dfbetas = unname(measures[, 1:p]), dffits = unname(measures[, p + 1]),
    cov_ratio = unname(measures[, p + 2]), cooks = unname(measures[, p + 3]),
    hat = unname(measures[, p + 4]),
    rstudent = unname(rstudent(fit)), rstandard = unname(rstandard(fit)),
    rstandard_pearson = unname(rstandard(fit, type = "pearson")),
    partial = unname(residuals(fit, type = "partial")),
    refits = unname(refits),
    # continuous families only: the others draw at random
    quantile = if (case$glmfit %in% c("gamma", "inversegaussian"))
      unname(qresiduals(fit, dispersion = summary(fit)$dispersion)) else NULL
  )
}

discrete <- list(
  poisson_below = ppois(data$count - 1, 2.2), poisson_at = ppois(data$count, 2.2),
  binomial_below = pbinom(data$good - 1, data$trials, 0.4),
  binomial_at = pbinom(data$good, data$trials, 0.4),
  negative_below = pnbinom(data$count - 1, size = 1 / 0.7, mu = 2.2),
  negative_at = pnbinom(data$count, size = 1 / 0.7, mu = 2.2)
)

output <- list(
  R = R.version.string,
  packages = list(statmod = as.character(packageVersion("statmod"))),
  script = "influence.R", data = data, cases = lapply(cases, run), discrete = discrete
)
write(toJSON(output, digits = NA, auto_unbox = TRUE, dataframe = "columns", null = "null"),
      "influence.json")

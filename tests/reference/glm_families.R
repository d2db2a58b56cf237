# Makes glm_families.json: what R's glm() says for each family and link that R has.
#
#     Rscript glm_families.R          (in this folder; needs MASS, statmod, jsonlite)
#
# Each model is fitted, then fitted again from its own coefficients with epsilon 1e-15. glm()
# stops on the deviance, which leaves coefficients of non-canonical links with 8 digits, so
# scoring steps follow until the coefficients stand still. All else is computed from these;
# R's own covariance and leverages come from the weights of the iteration before.

library(MASS)
library(statmod)
library(jsonlite)

data <- data.frame(
  x = c(0.2, 1.4, -0.7, 2.1, 0.9, -1.3, 1.8, 0.1, -0.4, 2.6, 1.1, -1.9, 0.6, 1.5, -0.2, 2.3),
  g = rep(c("a", "b", "c", "b"), 4),
  o = c(0.1, -0.2, 0.3, 0, 0.25, -0.1, 0.05, 0.4, -0.3, 0.15, 0, 0.2, -0.15, 0.1, 0.35, -0.05),
  w = c(1, 2, 0.5, 1.5, 1, 3, 0.8, 1.2, 2.5, 1, 0.6, 1.7, 1, 2.2, 0.9, 1.3),
  trials = c(5, 8, 3, 10, 7, 6, 12, 4, 9, 11, 5, 8, 6, 10, 7, 3),
  events = c(2, 5, 0, 8, 3, 1, 9, 2, 3, 10, 2, 1, 3, 8, 4, 3),
  binary = c(0, 1, 0, 1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1),
  count = c(3, 7, 1, 12, 4, 2, 9, 2, 3, 15, 6, 0, 2, 9, 3, 11),
  many = c(9, 13, 7, 18, 10, 8, 15, 8, 9, 21, 12, 6, 8, 15, 9, 17),
  real = c(1.2, 2.9, 0.4, 4.1, 2.2, 1.0, 3.6, 1.9, 1.1, 5.0, 2.4, 0.8, 1.7, 3.3, 1.4, 4.4),
  positive = c(1.1, 2.7, 0.6, 4.6, 1.9, 0.7, 3.1, 1.6, 1.2, 6.2, 2.9, 0.5, 1.3, 3.8, 1.0, 4.0),
  rain = c(0, 2.1, 0, 5.3, 1.2, 0.4, 3.3, 0, 0.9, 7.4, 1.6, 0, 0.3, 4.2, 0, 3.9)
)
new <- data.frame(x = c(0.5, 1.75, -0.6), g = c("b", "c", "a"), o = c(0.2, 0, -0.1))

# name, response, right-hand side, R family, weights, glmfit's family and its arguments, start
cases <- list()
case <- function(response, rhs, family, glmfit, link, args = list(), weights = NULL,
                 start = NULL) {
  cases[[length(cases) + 1]] <<- list(
    response = response, rhs = rhs, family = family, glmfit = glmfit, link = link, args = args,
    weights = weights, start = start
  )
}
for (link in c("identity", "log", "inverse")) {
  case("real", "x + g", gaussian(link), "gaussian", link)
  case("real", "x + g", gaussian(link), "gaussian", link, weights = "w")
}
for (link in c("logit", "probit", "cauchit", "cloglog")) {
  case("binary", "x", binomial(link), "binomial", link)
  case("I(events / trials)", "x + g", binomial(link), "binomial", link, weights = "trials")
}
case("I(events / trials)", "x + offset(o)", binomial(), "binomial", "logit", weights = "trials")
case("I(events / trials)", "x", binomial("log"), "binomial", "log", weights = "trials",
     start = c(-1.2, 0.3))
case("I(events / trials)", "x + g", quasibinomial(), "quasibinomial", "logit", weights = "trials")
for (link in c("log", "identity", "sqrt")) {
  y <- if (link == "identity") "many" else "count" # the maximum must lie inside the domain
  case(y, "x + g", poisson(link), "poisson", link)
  case(y, "x + g + offset(o)", poisson(link), "poisson", link)
}
case("count", "x + g + offset(o)", quasipoisson(), "quasipoisson", "log")
for (link in c("inverse", "identity", "log")) {
  case("positive", "x + g", Gamma(link), "gamma", link)
  case("positive", "x + g", Gamma(link), "gamma", link, weights = "w")
}
case("positive", "x + g + offset(o)", Gamma("log"), "gamma", "log")
for (link in c("1/mu^2", "inverse", "identity", "log")) {
  case("positive", "x", inverse.gaussian(link), "inversegaussian", link,
       start = if (link == "1/mu^2") c(0.5, -0.15))
}
case("positive", "x", inverse.gaussian("log"), "inversegaussian", "log", weights = "w")
for (link in c("log", "sqrt", "identity")) {
  y <- if (link == "identity") "many" else "count"
  case(y, "x + g", negative.binomial(2.5, link), "negativebinomial", link,
       args = list(alpha = 0.4))
}
case("count", "x + offset(o)", negative.binomial(0.8), "negativebinomial", "log",
     args = list(alpha = 1.25))
for (power in c(1.2, 1.5, 1.8)) {
  case("rain", "x + g", tweedie(var.power = power, link.power = 0), "tweedie", "log",
       args = list(var_power = power))
  case("rain", "x + g", tweedie(var.power = power, link.power = 0), "tweedie", "log",
       args = list(var_power = power), weights = "w")
}
case("positive", "x", tweedie(var.power = 2.5, link.power = 0), "tweedie", "log",
     args = list(var_power = 2.5), weights = "w")
case("many", "x", tweedie(var.power = 1.6, link.power = 0.5), "tweedie", "sqrt",
     args = list(var_power = 1.6))

quasi_case <- function(response, rhs, family, link, variance, weights = NULL) {
  case(response, rhs, family, "quasi", link, args = list(variance = variance), weights = weights)
}
quasi_case("real", "x + g", quasi("identity", variance = "constant"), "identity", "constant", "w")
quasi_case("count", "x + g + offset(o)", quasi("log", variance = "mu"), "log", "mu")
quasi_case("positive", "x + g", quasi("log", variance = "mu^2"), "log", "mu^2", "w")
quasi_case("positive", "x", quasi("log", variance = "mu^3"), "log", "mu^3")
quasi_case("I(events / trials)", "x + g", quasi("logit", variance = "mu(1-mu)"), "logit",
           "mu(1-mu)", "w")
power <- quasi("log", variance = "mu") # R has no other powers: one is made
power$variance <- function(mu) mu^1.5
power$dev.resids <- function(y, mu, wt) {
  8 * wt * (y / sqrt(mu) / 2 - sqrt(y) + sqrt(mu) / 2)
}
quasi_case("rain", "x + g", power, "log", "mu^1.5", "w")

log_likelihood <- function(fit, case, y, mu, w, dispersion) {
  switch(case$glmfit,
    gamma = sum(dgamma(y, shape = w / dispersion, scale = mu * dispersion / w, log = TRUE)),
    inversegaussian = sum(dinvgauss(y, mean = mu, dispersion = dispersion / w, log = TRUE)),
    quasi = , quasibinomial = , quasipoisson = , tweedie = NULL,
    as.numeric(logLik(fit)) # gaussian: at the maximum-likelihood variance
  )
}

run <- function(case) {
  formula <- as.formula(paste(case$response, "~", case$rhs))
  weights <- if (is.null(case$weights)) rep(1, nrow(data)) else data[[case$weights]]
  environment(formula) <- environment()
  control <- glm.control(epsilon = 1e-15, maxit = 100)
  fit <- suppressWarnings(glm(formula, case$family, data, weights, start = case$start))
  fit <- suppressWarnings(
    glm(formula, case$family, data, weights, start = coef(fit), control = control)
  )
  X <- model.matrix(fit)
  offset <- if (is.null(fit$offset)) 0 else fit$offset
  family <- case$family
  y <- fit$y
  beta <- coef(fit)
  for (step in 1:200) {
    eta <- drop(X %*% beta) + offset
    mu <- family$linkinv(eta)
    slope <- family$mu.eta(eta)
    W <- weights * slope^2 / family$variance(mu)
    unscaled <- solve(crossprod(X * sqrt(W)))
    if (step < 200) beta <- beta + drop(unscaled %*% crossprod(X, W * (y - mu) / slope))
  }
  stopifnot(max(abs(beta - coef(fit))) < 1e-6, max(abs(vcov(fit) / summary(fit)$dispersion -
    unscaled)) < 1e-5 * max(abs(unscaled)))
  hat <- rowSums((X %*% unscaled) * X) * W
  stopifnot(max(abs(hat - hatvalues(fit))) < 1e-6)
  pearson <- (y - mu) * sqrt(weights / family$variance(mu))
  fixed <- case$glmfit %in% c("binomial", "poisson", "negativebinomial")
  dispersion <- if (fixed) 1 else sum(pearson^2) / fit$df.residual
  covariance <- unscaled * dispersion
  new_X <- model.matrix(delete.response(terms(fit)), new, xlev = fit$xlevels)
  new_eta <- drop(new_X %*% beta) + if (is.null(fit$offset)) 0 else new$o
  new_se <- sqrt(rowSums((new_X %*% covariance) * new_X))
  list(
    response = case$response, rhs = case$rhs, family = case$glmfit, link = case$link,
    args = case$args, weights = case$weights,
    columns = colnames(X), X = unname(X), y = unname(y), prior_weights = weights,
    offset = if (is.null(fit$offset)) NULL else offset,
    params = unname(beta), covariance = unname(covariance), dispersion = dispersion,
    deviance = sum(family$dev.resids(y, mu, weights)), null_deviance = fit$null.deviance,
    df_residual = fit$df.residual, df_null = fit$df.null,
    log_likelihood = log_likelihood(fit, case, y, mu, weights, dispersion),
    mu = unname(mu),
    resid_deviance = unname(sign(y - mu) * sqrt(pmax(family$dev.resids(y, mu, weights), 0))),
    resid_pearson = unname(pearson), resid_working = unname((y - mu) / slope),
    hat = unname(hat),
    prediction = list(
      eta = unname(new_eta), se_eta = unname(new_se), mean = unname(family$linkinv(new_eta)),
      se_mean = unname(new_se * abs(family$mu.eta(new_eta)))
    )
  )
}

output <- list(
  R = R.version.string,
  packages = sapply(c("MASS", "statmod"), function(p) as.character(packageVersion(p))),
  script = "glm_families.R",
  data = data, new = new,
  cases = lapply(cases, run)
)
output$packages <- as.list(output$packages)
write(
  toJSON(output, digits = NA, auto_unbox = TRUE, dataframe = "columns", null = "null",
         pretty = FALSE),
  "glm_families.json"
)

# Makes counts.json: what MASS and pscl say of models of counts, on data made here.
#
#     Rscript counts.R          (in this folder; needs MASS, pscl, jsonlite)
#
# glm.nb() holds alpha (1/theta) fixed in its covariance; that of zeroinfl() and hurdle() is
# from a numerical Hessian, so that standard errors have about 5 digits. The 30-digit ones
# are in counts_mp.json.

suppressMessages({library(MASS); library(pscl); library(jsonlite)})

set.seed(2024)
n <- 160
data <- data.frame(
  x = round(rnorm(n), 3),
  g = sample(c("a", "b", "c"), n, TRUE),
  z = round(runif(n, -1, 1), 3),
  t = round(runif(n, 0.5, 3), 2),
  w = sample(0:3, n, TRUE, c(0.1, 0.5, 0.3, 0.1))
)
mu <- with(data, t * exp(0.6 + 0.3 * x + 0.4 * (g == "b")))
data$y <- rnbinom(n, mu = mu, size = 2.5)
data$v <- ifelse(runif(n) < plogis(-0.8 + 1.5 * data$z), 0, rnbinom(n, mu = mu, size = 3))
new <- data.frame(x = c(-0.5, 1), g = c("b", "c"), z = c(0.3, -0.6), t = c(1, 2))

cases <- list()
keep <- function(name, fit, zeros) {
  cases[[name]] <<- list(
    count = as.list(if (zeros) fit$coefficients$count else coef(fit)),
    zero = if (zeros) as.list(fit$coefficients$zero),
    alpha = if (!is.null(fit$theta)) 1 / as.numeric(fit$theta),
    llf = as.numeric(logLik(fit)),
    mean = as.numeric(predict(fit, new, type = "response")),
    prob = if (zeros) predict(fit, new, type = "prob", at = 0:4)
  )
}
limits <- glm.control(epsilon = 1e-15, maxit = 200)
keep("nb2", glm.nb(y ~ x + g, data, control = limits), FALSE)
keep("nb2 offset", glm.nb(y ~ x + g + offset(log(t)), data, control = limits), FALSE)
keep("nb2 offset weights",
     glm.nb(y ~ x + g + offset(log(t)), data, weights = w, control = limits), FALSE)
# optim() stops early on some of these: it starts again from where it stopped, by another
# method, until the log-likelihood stands still
restarted <- function(fit) {
  best <- fit()
  for (method in rep(c("Nelder-Mead", "BFGS"), 15)) {
    start <- c(best$coefficients, theta = best$theta)
    again <- fit(start = start, method = method)
    if (logLik(again) >= logLik(best)) best <- again
  }
  best
}
for (dist in c("poisson", "negbin")) {
  more <- function(model, formula, weights) {
    restarted(function(...) {
      settings <- list(formula, data, dist = dist, weights = weights, reltol = 1e-16, ...)
      do.call(model, settings)
    })
  }
  for (model in c("zeroinfl", "hurdle")) {
    keep(paste(model, dist), more(model, v ~ x + g | z, rep(1, n)), TRUE)
    fit <- more(model, v ~ x + g + offset(log(t)) | z, data$w)
    keep(paste(model, dist, "offset weights"), fit, TRUE)
  }
}
made <- list(
  versions = list(R = R.version.string, MASS = as.character(packageVersion("MASS")),
                  pscl = as.character(packageVersion("pscl"))),
  data = as.list(data), new = as.list(new), cases = cases
)
writeLines(toJSON(made, digits = 15, auto_unbox = TRUE, null = "null", pretty = 1), "counts.json")

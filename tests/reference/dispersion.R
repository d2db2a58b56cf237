# Makes dispersion.json: maximum-likelihood dispersions of gamma and inverse Gaussian responses.
#
#     Rscript dispersion.R          (in this folder; needs MASS, mgcv, jsonlite)
#
# gamma.shape() of MASS estimates 1/phi by maximum likelihood at the fitted means; its standard
# error is from the information. For the inverse Gaussian the estimate is deviance / n. For
# Tweedie responses of known power the log-likelihood of mgcv's ldTweedie() is maximised.

suppressMessages({library(MASS); library(mgcv); library(jsonlite)})

data <- data.frame(
  x = c(0.2, 1.4, -0.7, 2.1, 0.9, -1.3, 1.8, 0.1, -0.4, 2.6, 1.1, -1.9, 0.6, 1.5, -0.2, 2.3),
  w = c(1, 2, 0.5, 1.5, 1, 3, 0.8, 1.2, 2.5, 1, 0.6, 1.7, 1, 2.2, 0.9, 1.3),
  freq = c(1, 2, 1, 3, 0, 1, 1, 2, 1, 1, 4, 1, 1, 2, 1, 1),
  positive = c(1.1, 2.7, 0.6, 4.6, 1.9, 0.7, 3.1, 1.6, 1.2, 6.2, 2.9, 0.5, 1.3, 3.8, 1.0, 4.0),
  rain = c(0, 2.1, 0, 5.3, 1.2, 0.4, 3.3, 0, 0.9, 7.4, 1.6, 0, 0.3, 4.2, 0, 3.9)
)
limits <- glm.control(epsilon = 1e-15, maxit = 100)
gamma <- function(link, weights, rows = seq_len(nrow(data))) {
  own <- data[rows, ]
  own$prior <- if (weights) own$w else rep(1, nrow(own))
  fit <- glm(positive ~ x, Gamma(link), own, weights = prior, control = limits)
  shape <- gamma.shape(fit, it.lim = 100, eps.max = 1e-12)
  phi <- 1 / shape$alpha
  list(scale = phi, scale_bse = phi^2 * shape$SE, coef = unname(coef(fit)),
       llf = sum(dgamma(own$positive, shape = own$prior / phi,
                        scale = fitted(fit) * phi / own$prior, log = TRUE)))
}
rain <- glm(rain ~ x, statmod::tweedie(var.power = 1.5, link.power = 0), data, control = limits)
height <- function(log_phi) {
  sum(ldTweedie(data$rain, mu = fitted(rain), p = 1.5, phi = exp(log_phi))[, 1])
}
best <- optimize(height, c(-3, 3), maximum = TRUE, tol = 1e-12)
output <- list(
  R = R.version.string,
  packages = as.list(sapply(c("MASS", "mgcv"), function(p) as.character(packageVersion(p)))),
  data = data,
  gamma_log = gamma("log", FALSE),
  gamma_inverse = gamma("inverse", FALSE),
  gamma_weights = gamma("log", TRUE),
  gamma_repeated = gamma("log", FALSE, rep(seq_len(nrow(data)), data$freq)),
  tweedie = list(scale = exp(best$maximum), llf = best$objective)
)
write(toJSON(output, digits = NA, auto_unbox = TRUE, dataframe = "columns"), "dispersion.json")

# Makes margins.json: marginal effects and marginal means, for tests/test_margins.py.
#
#     Rscript margins.R          (in this folder; needs numDeriv, emmeans, ordinal, nnet,
#                                 sandwich, jsonlite)
#
# Average marginal effects are derivatives of mean predictions by five-point differences, made
# from R's own model matrices of shifted data; their errors are by the delta method, with the
# derivative by the coefficients from numDeriv. Marginal means, contrasts and trends are those
# of emmeans.

suppressMessages({
  library(numDeriv)
  library(splines)
  library(emmeans)
  library(ordinal)
  library(nnet)
  library(sandwich)
  library(jsonlite)
})

n <- 60
i <- 0:(n - 1)
data <- data.frame(
  x = round(5 + 4.9 * sin(1.7 * i + 0.3), 3),
  z = round(exp(1.2 * cos(2.3 * i)), 3),
  g = c("a", "b", "c")[1 + (i * 7) %% 3],
  h = c("p", "q")[1 + ((i * 3) %/% 4) %% 2],
  d = as.numeric((i * 11) %% 5 < 2),
  t = round(1 + 0.8 * sin(0.9 * i), 3),
  w = 1 + (i * 3) %% 4
)
wave <- round(2 * sin(5.1 * i^2 + 0.7), 3)
data$count <- pmax(0, round(exp(0.3 + 0.15 * data$x + 0.3 * log(data$z) + 0.4 * wave) * data$t))
data$binary <- as.numeric(-1 + 0.3 * data$x - 0.5 * log(data$z) + wave > 0)
data$positive <- round(exp(0.2 * data$x - 0.3 * (data$g == "b") + 0.5 * wave), 4)
data$o <- c("low", "mid", "top")[cut(0.3 * data$x + 0.8 * data$d + wave, c(-Inf, 1, 2.5, Inf), FALSE)]
data$g <- factor(data$g); data$h <- factor(data$h)
data$o <- factor(data$o, levels = c("low", "mid", "top"), ordered = TRUE)

eps <- glm.control(epsilon = 1e-15, maxit = 200)
long <- data[rep(seq_len(n), data$w), ]

# mean prediction of changed data at given coefficients: one number, or one for each class
glm_means <- function(fit, shown) {
  terms <- delete.response(terms(fit))
  function(beta, rows) {
    frame <- model.frame(terms, rows, xlev = fit$xlevels)
    eta <- drop(model.matrix(terms, frame, contrasts.arg = fit$contrasts) %*% beta)
    offset <- model.offset(frame)
    if (!is.null(offset)) eta <- eta + offset
    shown(eta)
  }
}
multinom_means <- function(fit) {
  terms <- delete.response(terms(fit))
  function(beta, rows) {
    X <- model.matrix(terms, model.frame(terms, rows, xlev = fit$xlevels))
    odds <- exp(cbind(0, X %*% t(matrix(beta, nrow = 2, byrow = TRUE))))
    odds / rowSums(odds)
  }
}
clm_means <- function(fit, F) {
  terms <- delete.response(terms(fit))
  function(beta, rows) {
    X <- model.matrix(terms, model.frame(terms, rows))[, -1, drop = FALSE]
    eta <- drop(X %*% beta[-(1:2)])
    below <- cbind(0, F(beta[1] - eta), F(beta[2] - eta), 1)
    t(apply(below, 1, diff))
  }
}

average <- function(values) if (is.matrix(values)) colMeans(values) else mean(values)

with_error <- function(f, beta, covariance) {
  J <- jacobian(f, beta, method.args = list(d = 1e-2, eps = 1e-3, r = 4))
  list(estimate = f(beta), se = sqrt(diag(J %*% covariance %*% t(J))))
}
five_point <- function(f, h) (8 * (f(h) - f(-h)) - (f(2 * h) - f(-2 * h))) / (12 * h)
slope <- function(means, beta, covariance, rows, name) {
  with_error(function(b) {
    shifted <- function(step) {
      rows[[name]] <- rows[[name]] + step
      average(means(b, rows))
    }
    five_point(shifted, 1e-3)
  }, beta, covariance)
}
elasticity <- function(means, beta, covariance, rows, name) {
  with_error(function(b) {
    shifted <- function(step) {
      rows[[name]] <- rows[[name]] * exp(step)
      average(log(means(b, rows)))
    }
    five_point(shifted, 1e-3)
  }, beta, covariance)
}
change <- function(means, beta, covariance, rows, name, high, low) {
  with_error(function(b) {
    upper <- rows; upper[[name]][] <- high
    lower <- rows; lower[[name]][] <- low
    average(means(b, upper)) - average(means(b, lower))
  }, beta, covariance)
}
level <- function(means, beta, covariance, rows, values = list()) {
  for (name in names(values)) rows[[name]][] <- values[[name]]
  with_error(function(b) average(means(b, rows)), beta, covariance)
}

out <- list()

fit <- glm(count ~ g * x + I(x^2) + log(z) + h + offset(log(t)), poisson, data, control = eps)
m <- glm_means(fit, exp); b <- coef(fit); V <- vcov(fit)
out$poisson <- list(
  x = slope(m, b, V, data, "x"), z = slope(m, b, V, data, "z"), t = slope(m, b, V, data, "t"),
  g_b = change(m, b, V, data, "g", "b", "a"), h_q = change(m, b, V, data, "h", "q", "p"),
  eyex = elasticity(m, b, V, data, "z"), at_3 = level(m, b, V, data, list(x = 3)),
  x_in_b = slope(m, b, V, data[data$g == "b", ], "x"),
  x_HC0 = slope(m, b, sandwich(fit), data, "x")
)

fit <- glm(binary ~ bs(x, df = 5, Boundary.knots = c(-1, 11)) + d, binomial("probit"), data,
           control = eps)
m <- glm_means(fit, pnorm); b <- coef(fit); V <- vcov(fit)
out$spline <- list(x = slope(m, b, V, data, "x"), d = change(m, b, V, data, "d", 1, 0),
                   at_7 = level(m, b, V, data, list(x = 7)))

fit <- glm(positive ~ x + g, Gamma("log"), long, control = eps)
m <- glm_means(fit, exp); b <- coef(fit); V <- vcov(fit)
out$gamma <- list(x = slope(m, b, V, long, "x"), g_c = change(m, b, V, long, "g", "c", "a"))

fit <- multinom(o ~ x + g + d, data, trace = FALSE, reltol = 1e-16, abstol = 1e-16, maxit = 5000,
                Hess = TRUE)
b <- as.vector(t(coef(fit)))
m <- multinom_means(fit)
# multinom stops early: Newton steps on its likelihood reach the maximum
X <- model.matrix(~ x + g + d, data); Y <- cbind(data$o == "mid", data$o == "top")
for (step in 1:20) {
  P <- m(b, data)[, 2:3]
  H <- matrix(0, 2 * ncol(X), 2 * ncol(X))
  for (r in 1:2) for (s in 1:2) {
    block <- t(X) %*% (X * (P[, r] * ((r == s) - P[, s])))
    H[(r - 1) * ncol(X) + 1:ncol(X), (s - 1) * ncol(X) + 1:ncol(X)] <- block
  }
  b <- b + solve(H, as.vector(t(X) %*% (Y - P)))
}
V <- solve(H)
out$multinom <- list(
  x = slope(m, b, V, data, "x"), g_c = change(m, b, V, data, "g", "c", "a"),
  at = level(m, b, V, data[1, ], list(x = 4, g = "b", d = 1))
)

tight <- clm.control(gradTol = 1e-12, maxIter = 200, method = "Newton")
fit <- clm(o ~ x + I(x^2) + g + d, data = data, link = "probit", control = tight)
m <- clm_means(fit, pnorm); b <- coef(fit); V <- vcov(fit)
out$clm <- list(
  x = slope(m, b, V, data, "x"), d = change(m, b, V, data, "d", 1, 0),
  at = level(m, b, V, data[1, ], list(x = 4, g = "b", d = 1))
)

shown <- function(e) {
  s <- as.data.frame(summary(e, infer = TRUE))
  value <- intersect(c("emmean", "rate", "response", "prob", "estimate", "ratio", "x.trend"),
                     names(s))[1]
  list(estimate = s[[value]], se = s$SE, lower = s$asymp.LCL, upper = s$asymp.UCL)
}
fit <- glm(count ~ g * h + x + offset(log(t)), poisson, data, control = eps)
grid <- ref_grid(fit)
out$emmeans <- list(
  link = shown(emmeans(grid, "g")),
  response = shown(emmeans(grid, "g", type = "response")),
  cells = shown(emmeans(grid, ~ g * h, type = "response")),
  pairs = shown(pairs(emmeans(grid, "g"), adjust = "none", reverse = TRUE))
)
# this version of emmeans cannot regrid a model with an offset
fit <- glm(count ~ g * h + g * x, poisson, data, control = eps)
out$plain <- list(
  regrid = shown(emmeans(regrid(ref_grid(fit), transform = "response"), "g")),
  trend = shown(emtrends(fit, "g", var = "x"))
)

versions <- sapply(c("numDeriv", "emmeans", "ordinal", "nnet", "sandwich"),
                   function(p) as.character(packageVersion(p)))
write_json(list(R = R.version.string, packages = as.list(versions), data = data, values = out),
           "margins.json", digits = NA, auto_unbox = TRUE, pretty = FALSE)

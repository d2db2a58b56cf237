# Goodness of fit of generalised linear models, from R; run in this folder:
#   Rscript goodness.R
suppressPackageStartupMessages({
  library(jsonlite); library(pROC); library(AER); library(car); library(rms)
})

set.seed(97)
n <- 160
data <- data.frame(x = round(rnorm(n), 2), z = round(rexp(n), 2), g = sample(letters[1:3], n, TRUE))
data$y <- as.numeric(runif(n) < plogis(-0.4 + data$x + 0.5 * data$z))
data$f <- sample(1:3, n, TRUE)
data$m <- sample(2:7, n, TRUE)
data$s <- rbinom(n, data$m, plogis(-0.4 + 0.8 * data$x + rnorm(n)))
data$count <- rnbinom(n, size = 2, mu = exp(0.4 + 0.4 * data$x))
data$k <- factor(sample(c("a", "b", "c"), n, TRUE), levels = c("a", "b", "c"))
data$k[data$x > 1] <- "c"
control <- glm.control(1e-14, 100)
fit <- glm(y ~ x + z, binomial, data, control = control)
small <- glm(y ~ x, binomial, data, control = control)
coarse <- glm(y ~ g, binomial, data, control = control)
pois <- glm(count ~ x + z, poisson, data, control = control)
grouped <- glm(cbind(s, m - s) ~ x, binomial, data, control = control)
gam <- glm(z + 0.05 ~ x, Gamma("log"), data, control = control)

hl <- function(y, p, g) {
  cuts <- unique(quantile(p, probs = seq(0, 1, 1 / g)))
  group <- cut(p, breaks = cuts, include.lowest = TRUE)
  seen <- tapply(y, group, sum)
  expected <- tapply(p, group, sum)
  count <- tapply(p, group, length)
  statistic <- sum((seen - expected)^2 / (expected * (1 - expected / count)))
  df <- length(cuts) - 3
  list(statistic = statistic, df = df, p = pchisq(statistic, df, lower.tail = FALSE),
       observed = unname(seen), expected = unname(expected), count = unname(count))
}

stukel <- function(fit) {
  eta <- predict(fit)
  wide <- update(fit, . ~ . + I(eta^2 * (eta >= 0) / 2) + I(-eta^2 * (eta < 0) / 2),
                 data = cbind(data, eta = eta))
  list(score = anova(fit, wide, test = "Rao")$Rao[2], lr = anova(fit, wide)$Deviance[2])
}

link <- function(fit) {
  wide <- update(fit, . ~ . + I(eta^2), data = cbind(data, eta = predict(fit)))
  list(score = anova(fit, wide, test = "Rao")$Rao[2], lr = anova(fit, wide)$Deviance[2])
}

sse <- resid(lrm(y ~ x + z, data, x = TRUE, y = TRUE, tol = 1e-14, eps = 1e-12), "gof")

dean <- function(fit) {
  mu <- fitted(fit)
  y <- fit$y
  h <- hatvalues(fit)
  excess <- (y - mu)^2 - y + h * mu
  list(quadratic = sum(excess) / sqrt(2 * sum(mu^2)), linear = sum(excess / mu) / sqrt(2 * length(y)))
}
ct <- function(...) unname(dispersiontest(pois, ...)$statistic)

mu <- fitted(pois)
X <- model.matrix(pois)
p0 <- exp(-mu)
broek <- sum(((pois$y == 0) - p0) / p0) /
  sqrt(sum((1 - p0) / p0) - drop(t(mu) %*% X %*% solve(crossprod(X * sqrt(mu))) %*% t(X) %*% mu))

p <- fitted(fit)
long <- data[rep(seq_len(n), data$f), ]
weighted <- glm(y ~ x + z, binomial, long, control = control)
roc_of <- function(y, p) {
  curve <- roc(y, p, quiet = TRUE, direction = "<")
  list(auc = as.numeric(curve$auc), se = sqrt(var(curve)),
       interval = as.numeric(ci.auc(curve))[c(1, 3)])
}
first <- roc(data$y, fitted(fit), quiet = TRUE, direction = "<")
second <- roc(data$y, fitted(small), quiet = TRUE, direction = "<")
delong <- roc.test(first, second, method = "delong", paired = TRUE)

new <- data.frame(x = round(rnorm(60), 2), z = round(rexp(60), 2))
new$y <- as.numeric(runif(60) < plogis(0.3 + 0.5 * new$x))
new_eta <- predict(fit, new)
line <- summary(glm(new$y ~ new_eta, binomial, control = control))$coefficients
large <- coef(glm(new$y ~ offset(new_eta), binomial, control = control))
new_p <- plogis(new_eta)
brier <- function(y, p) list(
  score = mean((y - p)^2),
  z = sum((y - p) * (1 - 2 * p)) / sqrt(sum((1 - 2 * p)^2 * p * (1 - p)))
)

probability <- nnet::multinom(k ~ x + z, data, trace = FALSE, abstol = 1e-15, reltol = 1e-15,
                              maxit = 1000)
hand_till <- as.numeric(multiclass.roc(data$k, predict(probability, type = "probs"))$auc)

output <- list(
  R = R.version.string,
  packages = lapply(setNames(nm = c("pROC", "AER", "car", "rms", "nnet")),
                    function(p) as.character(packageVersion(p))),
  script = "goodness.R", data = data, new = new,
  hosmer_lemeshow = hl(data$y, p, 10), hosmer_lemeshow_7 = hl(data$y, p, 7),
  hosmer_lemeshow_frequencies = hl(long$y, fitted(weighted), 10),
  hosmer_lemeshow_ties = hl(data$y, fitted(coarse), 10),
  stukel = stukel(fit), link = link(fit), link_poisson = link(pois), link_gamma = link(gam),
  gamma_dispersion = summary(gam)$dispersion,
  unweighted = as.list(sse),
  dean = dean(pois), cameron_trivedi = list(
    quadratic = ct(trafo = 2), linear = ct(), estimate = unname(dispersiontest(pois, trafo = 2)$estimate)
  ),
  zeros = list(z = broek, expected = sum(p0), observed = sum(pois$y == 0)),
  pearson = sum(resid(grouped, "pearson")^2), deviance = deviance(grouped),
  roc = roc_of(data$y, p), roc_frequencies = roc_of(long$y, fitted(weighted)),
  roc_new = roc_of(new$y, new_p),
  delong = list(z = unname(delong$statistic), p = delong$p.value),
  calibration = list(line = unname(line[, 1:2]), large = unname(large)),
  brier = brier(data$y, p), brier_new = brier(new$y, new_p),
  hand_till = hand_till, probabilities = unname(predict(probability, type = "probs")),
  vif = unname(car::vif(glm(count ~ x + I(x + z / 3) + g, "poisson", data, control = control))[, 3])
)
write(toJSON(output, digits = NA, auto_unbox = TRUE, dataframe = "columns", null = "null"),
      "goodness.json")

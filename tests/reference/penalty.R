# Makes penalty.json: elastic nets of glmnet 4.1-6 (Friedman, Hastie, Tibshirani; Tay et al.).
#
#     Rscript penalty.R        (in this folder; needs glmnet, MASS, jsonlite)
#
# The normal family is a family object: glmnet's own "gaussian" divides the response by its
# standard deviation, which changes the balance of the two penalties. Family objects whose
# link is not canonical stop when the objective is still, half of the digits.

suppressMessages({ library(glmnet); library(MASS); library(jsonlite) })
order_of <- list(tension = c("L", "M", "H"), infl = c("Low", "Medium", "High"), cont = c("Low", "High"),
                 type = c("Tower", "Apartment", "Atrium", "Terrace"))
read <- function(name) {
  data <- read.csv(file.path("..", "..", "datasets", paste0(name, ".csv")))
  for (one in names(data)) if (is.character(data[[one]])) {
    own <- order_of[[one]]
    known <- !is.null(own) && all(data[[one]] %in% own)
    data[[one]] <- factor(data[[one]], levels = if (known) own else sort(unique(data[[one]])))
  }
  data
}
glmnet.control(fdev = 0, devmax = 1, mxitnr = 1000, epsnr = 1e-18)

cases <- list()
options(warn = 1)
add <- function(dataset, formula, family, link, alpha, L1_wt, standardize = FALSE, weights = NULL,
                offset = NULL, args = NULL, factors = NULL) {
  data <- read(dataset)
  x <- model.matrix(as.formula(formula), data)[, -1, drop = FALSE]
  y <- model.response(model.frame(as.formula(formula), data))
  w <- if (is.null(weights)) rep(1, nrow(x)) else data[[weights]]
  o <- if (is.null(offset)) NULL else log(data[[offset]])
  keep <- if (is.null(offset)) rep(TRUE, nrow(x)) else is.finite(o)
  object <- switch(family,
    gaussian = gaussian(link), poisson = if (link == "log") "poisson" else poisson(link),
    binomial = if (link == "logit") "binomial" else binomial(link),
    gamma = Gamma(link), inverse_gaussian = inverse.gaussian(link),
    negative_binomial = negative.binomial(1 / args$alpha, link))
  pf <- if (is.null(factors)) rep(1, ncol(x)) else factors
  # glmnet scales the factors so that they sum to the number of columns
  fit <- glmnet(x[keep, ], y[keep], family = object, weights = w[keep],
                offset = if (is.null(o)) NULL else o[keep],
                alpha = L1_wt, lambda = alpha * sum(pf) / ncol(x), penalty.factor = pf,
                standardize = standardize, thresh = 1e-28, maxit = 1e7)
  if (length(fit$lambda) == 0) stop(formula, link)
  cases[[length(cases) + 1]] <<- list(
    dataset = dataset, formula = formula, family = family, link = link, alpha = alpha,
    L1_wt = L1_wt, standardize = standardize, weights = weights, offset = offset, args = args,
    factors = factors, names = rownames(coef(fit)),
    params = sprintf("%.17g", as.numeric(coef(fit))))
}
endo <- "HG ~ NV + PI + EH"
add("endometrial", endo, "binomial", "logit", 0.05, 1)
add("endometrial", endo, "binomial", "logit", 0.01, 0.5)
add("endometrial", endo, "binomial", "logit", 0.02, 0, TRUE)
add("endometrial", endo, "binomial", "probit", 0.02, 0.5)
add("endometrial", endo, "binomial", "cloglog", 0.02, 0.5, TRUE)
add("endometrial", endo, "binomial", "logit", 0.02, 0.5, factors = c(1, 0, 3))
add("warpbreaks", "breaks ~ wool * tension", "poisson", "log", 0.3, 0.5)
add("warpbreaks", "breaks ~ wool * tension", "poisson", "log", 0.1, 1, TRUE)
add("ships", "incidents ~ type + year + period", "poisson", "log", 0.5, 0.7, offset = "service")
add("clotting", "lot1 ~ log(u) + lot2", "gamma", "log", 0.01, 0.5)
add("clotting", "lot1 ~ log(u) + lot2", "inverse_gaussian", "log", 0.0001, 0.5)
add("stackloss", "stack_loss ~ air_flow + water_temp + acid_conc", "gaussian", "identity", 2, 0.5)
add("stackloss", "stack_loss ~ air_flow + water_temp + acid_conc", "gaussian", "identity", 1, 1, TRUE)
add("stackloss", "stack_loss ~ air_flow + water_temp", "gaussian", "log", 1, 0.2,
    weights = "acid_conc")
add("quine", "days ~ eth + sex + age + lrn", "negative_binomial", "log", 0.05, 0.5,
    args = list(alpha = 0.8))

multinomial <- function(dataset, formula, response, alpha, L1_wt, standardize = FALSE,
                        weights = NULL) {
  data <- read(dataset)
  y <- factor(data[[response]])
  x <- model.matrix(as.formula(formula), data)[, -1, drop = FALSE]
  w <- if (is.null(weights)) rep(1, nrow(x)) else data[[weights]]
  fit <- glmnet(x, y, family = "multinomial", weights = w, alpha = L1_wt, lambda = alpha,
                standardize = standardize, thresh = 1e-28, maxit = 1e7)
  list(dataset = dataset, formula = formula, response = response, alpha = alpha, L1_wt = L1_wt,
       standardize = standardize, weights = weights, names = rownames(coef(fit)[[1]]),
       levels = levels(y),
       params = lapply(coef(fit), function(one) sprintf("%.17g", as.numeric(one))))
}
classes <- list(
  multinomial("risk", "~ age + income", "risk", 0.05, 0.5),
  multinomial("risk", "~ age + income", "risk", 0.02, 0.9, TRUE),
  multinomial("housing", "~ infl + type + cont", "sat", 0.01, 0.5, weights = "freq"),
  multinomial("housing", "~ infl + type + cont", "sat", 0.02, 1, weights = "freq"))

# fewer rows than columns
i <- 1:14; j <- 1:40
wide <- outer(i, j, function(i, j) sin(i * j))
wide_case <- function(y, family, alpha, L1_wt) {
  fit <- glmnet(wide, y, family = family, alpha = L1_wt, lambda = alpha, standardize = FALSE,
                thresh = 1e-28, maxit = 1e8)
  list(family = family$family, alpha = alpha, L1_wt = L1_wt,
       params = sprintf("%.17g", as.numeric(coef(fit))))
}
wides <- list(wide_case(cos(i^1.3), gaussian(), 0.05, 1), wide_case(cos(i^1.3), gaussian(), 0.1, 0.3),
              wide_case(as.numeric(i %% 3 == 0), binomial(), 0.05, 0.9))

validated <- function(dataset, formula, family, alphas, L1_wt, response, count) {
  data <- read(dataset)
  x <- model.matrix(as.formula(formula), data)[, -1, drop = FALSE]
  folds <- (seq_len(nrow(x)) - 1) %% count + 1
  cv <- cv.glmnet(x, data[[response]], family = family, alpha = L1_wt, lambda = alphas,
                  standardize = FALSE, foldid = folds, thresh = 1e-28, maxit = 1e7,
                  type.measure = "deviance")
  list(dataset = dataset, formula = paste(response, formula), alphas = alphas, L1_wt = L1_wt,
       count = count, mean = cv$cvm, std_err = cv$cvsd, alpha_min = cv$lambda.min,
       alpha_1se = cv$lambda.1se, family = if (is.character(family)) family else family$family)
}
alphas <- c(0.3, 0.1, 0.05, 0.03, 0.01, 0.003)
cvs <- list(validated("endometrial", "~ NV + PI + EH", "binomial", alphas, 1, "HG", 5),
            validated("endometrial", "~ NV + PI + EH", "binomial", alphas, 0.5, "HG", 8),
            validated("warpbreaks", "~ wool * tension", "poisson", alphas * 10, 0.5, "breaks", 6))

versions <- paste(R.version.string, "glmnet", packageVersion("glmnet"))
write(toJSON(list(made_by = versions, glm = cases, multinomial = classes, wide = wides,
                  validated = cvs), auto_unbox = TRUE, digits = I(17), pretty = TRUE, null = "null"),
      "penalty.json")

# Makes firth.json: bias-reduced fits of brglm2 0.9 (Kosmidis), R 4.2.
#
#     Rscript firth.R          (in this folder; needs brglm2, MASS, jsonlite)
#
# brglmFit() stops on the length of its steps, which shrink linearly, so epsilon is far
# below the digits that are compared.

suppressMessages({ library(brglm2); library(MASS); library(jsonlite) })

read <- function(name) read.csv(file.path("..", "..", "datasets", paste0(name, ".csv")))
challenger <- read("challenger")
endometrial <- read("endometrial")
warpbreaks <- read("warpbreaks")
pneumo <- read("pneumo")
risk <- read("risk")
types <- c(firth = "AS_mean", median_bias_reduced = "AS_median")
settings <- function(type) brglmControl(type = type, epsilon = 1e-13, maxit = 10000)

told <- function(name, formula, method, fit, more = list()) {
  errors <- sqrt(diag(vcov(fit)))
  c(list(dataset = name, formula = formula, method = method,
         params = format(unname(coef(fit)), digits = 15, trim = TRUE),
         bse = format(unname(errors), digits = 15, trim = TRUE),
         llf = format(as.numeric(logLik(fit)), digits = 15)), more)
}

cases <- list()
add <- function(case) cases[[length(cases) + 1]] <<- case
links <- list(challenger = c("logit", "probit", "cloglog", "cauchit"),
              endometrial = c("logit", "probit", "cloglog", "cauchit"))
formulas <- list(challenger = "O_RING_FAILURE ~ TEMPERATURE", endometrial = "HG ~ NV + PI + EH")
for (name in names(links)) for (link in links[[name]]) for (method in names(types)) {
  fit <- glm(as.formula(formulas[[name]]), binomial(link), get(name), method = "brglmFit",
             control = settings(types[[method]]))
  if (fit$converged && all(abs(coef(fit)) < 1e6))  # brglm2 diverges in one case
    add(told(name, formulas[[name]], method, fit, list(family = "binomial", link = link)))
}
for (link in c("log", "sqrt", "identity")) for (method in names(types)) {
  fit <- glm(breaks ~ wool + tension, poisson(link), warpbreaks, method = "brglmFit",
             control = settings(types[[method]]))
  add(told("warpbreaks", "breaks ~ wool + tension", method, fit,
           list(family = "poisson", link = link)))
}
risk$risk <- relevel(factor(risk$risk), "low")
fit <- brmultinom(risk ~ age + income, risk, ref = "low", type = "AS_mean", epsilon = 1e-13,
                  maxit = 10000)
levels <- c("medium", "high")
add(list(dataset = "risk", formula = "risk ~ age + income", method = "firth",
         family = "multinomial", levels = levels,
         params = apply(coef(fit)[levels, ], 1, format, digits = 15, trim = TRUE),
         bse = apply(summary(fit)$standard.errors[levels, ], 1, format, digits = 15, trim = TRUE),
         llf = format(as.numeric(logLik(fit)), digits = 15)))
write(toJSON(list(made_by = paste(R.version.string, "brglm2", packageVersion("brglm2")),
                  cases = cases), auto_unbox = TRUE, pretty = TRUE), "firth.json")

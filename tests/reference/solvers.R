# Makes solvers.json: the deviance after each iteration of R's glm, R 4.2.
#
#     Rscript solvers.R        (in this folder; needs jsonlite)
#
# glm takes full steps of Fisher scoring as weighted least squares from the coefficients
# given as start, and prints the deviance after each (trace = TRUE).

suppressMessages(library(jsonlite))
options(digits = 15)

read <- function(name) read.csv(file.path("..", "..", "datasets", paste0(name, ".csv")))
data <- list(challenger = read("challenger"), warpbreaks = read("warpbreaks"))

traced <- function(name, formula, family, start) {
  lines <- capture.output(
    invisible(glm(as.formula(formula), family, data[[name]], start = start,
                     control = glm.control(epsilon = 1e-13, maxit = 200, trace = TRUE))))
  deviance <- as.numeric(sub("Deviance = ([^ ]+) .*", "\\1", lines))
  list(dataset = name, formula = formula, family = family$family, link = family$link,
       start = start, deviance = format(deviance, digits = 15, trim = TRUE))
}

ring <- "O_RING_FAILURE ~ TEMPERATURE"
breaks <- "breaks ~ wool + tension"
cases <- list(
  traced("challenger", ring, binomial("logit"), c(0, 0)),
  traced("challenger", ring, binomial("probit"), c(0, 0)),
  traced("challenger", ring, binomial("cloglog"), c(0, 0)),
  traced("warpbreaks", breaks, poisson("log"), c(3, 0, 0, 0)),
  traced("warpbreaks", breaks, poisson("sqrt"), c(5, 0, 0, 0)),
  traced("warpbreaks", breaks, Gamma("log"), c(3, 0, 0, 0)))
told <- list(versions = list(R = as.character(getRversion())), cases = cases)
writeLines(toJSON(told, auto_unbox = TRUE, pretty = TRUE), "solvers.json")

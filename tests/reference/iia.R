# Reference values of tests/test_iia.py.
#
#   Rscript tests/reference/iia.R > tests/reference/iia.json
#
# Multinomial logits by Newton steps on the full log-likelihood, written out here in base R
# and checked against nnet::multinom; Hausman and McFadden's statistic by solve(), as
# mlogit::hmftest computes it, against each remaining level as reference; Small and Hsiao's as
# Long and Freese's mlogtest for Stata does, with the first half of the sample given. The data
# are MASS::housing (satisfaction, and the type of the rental, as response) and a drawn
# sample that breaks IIA, written out with the results.

suppressMessages({
  library(MASS)
  library(nnet)
})

number <- function(x) formatC(x, digits = 17, format = "g")
quoted <- function(x) paste0("\"", x, "\"")
list_of <- function(x) paste0("[", paste(x, collapse = ", "), "]")
object <- function(keys, values) paste0("{", paste0(quoted(keys), ": ", values, collapse = ", "), "}")

# X (n, p), Y (n, K) counts, the first column the reference; coefficients (p, K - 1)
loglik <- function(B, X, Y) {
  eta <- cbind(0, X %*% B)
  top <- apply(eta, 1, max)
  sum(Y * (eta - top - log(rowSums(exp(eta - top)))))
}
newton <- function(X, Y) {
  p <- ncol(X)
  k <- ncol(Y) - 1
  B <- matrix(0, p, k)
  total <- rowSums(Y)
  for (step in 1:60) {
    E <- exp(cbind(0, X %*% B))
    P <- (E / rowSums(E))[, -1, drop = FALSE]
    score <- as.vector(t(X) %*% (Y[, -1, drop = FALSE] - total * P))
    info <- matrix(0, p * k, p * k)
    for (a in 1:k) for (b in 1:k) {
      w <- total * P[, a] * ((a == b) - P[, b])
      info[(a - 1) * p + 1:p, (b - 1) * p + 1:p] <- t(X) %*% (w * X)
    }
    move <- solve(info, score)
    B <- B + matrix(move, p, k)
    if (max(abs(move)) < 1e-13) break
  }
  list(B = B, V = solve(info), ll = loglik(B, X, Y))
}
hausman <- function(X, Y, omit, base) {
  rest <- setdiff(seq_len(ncol(Y)), c(omit, base))
  full <- newton(X, Y[, c(base, rest, omit)])
  keep <- 1:(ncol(X) * length(rest))
  less <- Y[, c(base, rest)]
  some <- rowSums(less) > 0
  small <- newton(X[some, , drop = FALSE], less[some, , drop = FALSE])
  d <- as.vector(small$B) - as.vector(full$B)[keep]
  V <- small$V - full$V[keep, keep]
  list(statistic = sum(d * solve(V, d)), df = length(d), definite = min(eigen(V)$values) > 0)
}
small_hsiao <- function(X, Y, first, omit, base) {
  rest <- setdiff(seq_len(ncol(Y)), c(omit, base))
  order <- c(base, rest, omit)
  one <- newton(X[first, ], Y[first, order])
  two <- newton(X[!first, ], Y[!first, order])
  keep <- seq_along(rest)
  B <- (one$B / sqrt(2) + (1 - 1 / sqrt(2)) * two$B)[, keep, drop = FALSE]
  less <- Y[!first, c(base, rest)]
  small <- newton(X[!first, ], less)
  list(statistic = -2 * (loglik(B, X[!first, ], less) - small$ll), df = length(B))
}
tests <- function(X, Y, first) {
  levels <- colnames(Y)
  lines <- c()
  for (omit in seq_along(levels)) {
    bases <- setdiff(seq_along(levels), omit)
    h <- lapply(bases, function(base) hausman(X, Y, omit, base))
    s <- lapply(bases, function(base) small_hsiao(X, Y, first, omit, base))
    same <- function(x) stopifnot(max(abs(x - x[1])) < 1e-6 * max(1, abs(x[1])))
    same(sapply(h, `[[`, "statistic"))  # whatever the reference is
    same(sapply(s, `[[`, "statistic"))
    lines <- c(lines, object(
      c("hausman", "hausman_df", "definite", "small_hsiao", "small_hsiao_df"),
      c(number(h[[1]]$statistic), h[[1]]$df, tolower(h[[1]]$definite),
        number(s[[1]]$statistic), s[[1]]$df)))
  }
  object(levels, lines)
}
agrees <- function(formula, data, weights, X, Y) {
  data$.w <- weights
  fit <- multinom(formula, data, weights = .w, trace = FALSE, reltol = 1e-15, maxit = 2000)
  stopifnot(abs(as.numeric(logLik(fit)) - newton(X, Y)$ll) < 1e-5)
}
counts <- function(y, w) {
  Y <- sapply(levels(y), function(level) (y == level) * w)
  colnames(Y) <- levels(y)
  Y
}

first <- (seq_len(nrow(housing)) - 1) %% 4 < 2
X1 <- model.matrix(~ Infl + Type + Cont, housing)
Y1 <- counts(housing$Sat, housing$Freq)
agrees(Sat ~ Infl + Type + Cont, housing, housing$Freq, X1, Y1)
X2 <- model.matrix(~ as.character(Sat) + Cont, housing)
Y2 <- counts(housing$Type, housing$Freq)
agrees(Type ~ as.character(Sat) + Cont, housing, housing$Freq, X2, Y2)

# a pair of classes that draw from one another: IIA does not hold
set.seed(1)
n <- 400
x <- round(rnorm(n), 2)
z <- round(runif(n), 2)
nest <- rnorm(n)
u <- cbind(a = 0.3 * x, b = 1.5 * x - z + 2.5 * nest, c = 2.5 * nest + z, d = -x) +
  matrix(-log(-log(runif(4 * n))), n)
y <- factor(colnames(u)[max.col(u)])
drawn <- data.frame(x, z, y)
X3 <- model.matrix(~ x + z, drawn)
Y3 <- counts(y, rep(1, n))
agrees(y ~ x + z, drawn, rep(1, n), X3, Y3)
first3 <- (seq_len(n) - 1) %% 4 < 2

cat("{\"versions\": ", quoted(paste(R.version.string, "nnet", packageVersion("nnet"))), ",\n",
    "\"sat\": ", tests(X1, Y1, first), ",\n",
    "\"type\": ", tests(X2, Y2, first), ",\n",
    "\"drawn\": ", tests(X3, Y3, first3), ",\n",
    "\"data\": ", object(c("x", "z", "y"),
                         c(list_of(x), list_of(z), list_of(quoted(y)))), "}\n", sep = "")

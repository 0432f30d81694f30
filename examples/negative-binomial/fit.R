# Negative binomial regression: how many days children are absent from school, with exact gradients and Hessians.
# Rscript fit.R, from this folder; AUTOGRAD_URL is the server's address. Ends with 1 if something differs.

source("../../clients/r/autograd.R")
ag <- autograd()
days <- MASS::quine
x <- model.matrix(~ Eth + Sex + Age + Lrn, days)

# --- the graph and its derivatives: begin ---
loss <- "
  mu = exp(x @ beta)
  theta = exp(log_theta)
  terms = lgamma(y + theta) - lgamma(theta) - lgamma(y + 1) + theta * log(theta) + y * log(mu)
  loss = -sum(terms - (y + theta) * log(theta + mu))"
start <- list(beta = c(log(mean(days$Days)), numeric(ncol(x) - 1)), log_theta = 0)
f <- ag$objective(loss, start, fixed = list(x = x, y = days$Days))
# --- end ---

fit <- nlminb(f$par, f$fn, f$gr, f$he)
errors <- sqrt(diag(solve(f$he(fit$par))))

# ---- The same by MASS, which iterates to its own accuracy ----
reference <- MASS::glm.nb(Days ~ Eth + Sex + Age + Lrn, days, control = glm.control(epsilon = 1e-13, maxit = 100))
coefficients <- unname(coef(reference))

# The observed information by finite differences of R's own distribution: an independent likelihood.
likelihood <- function(p) {
  -sum(dnbinom(days$Days, size = exp(p[length(p)]), mu = exp(as.vector(x %*% p[-length(p)])), log = TRUE))
}
differences <- optimHess(fit$par, likelihood, control = list(ndeps = rep(1e-4, length(fit$par))))
expected_errors <- sqrt(diag(solve(differences)))

# The same graph without the client.
by_hand <- new.env()
printed <- utils::capture.output(sys.source("by-hand.R", by_hand))
start <- as.numeric(f$par)

count <- length(coefficients)
estimates <- data.frame(
  estimate = fit$par[1:count], glm.nb = coefficients,
  error = errors[1:count], glm.nb.error = unname(summary(reference)$coefficients[, 2]),
  row.names = colnames(x))
print(estimates, digits = 5)
theta <- exp(fit$par[[count + 1]])
cat(sprintf("\ntheta %.6f, glm.nb %.6f\nlog-likelihood %.6f, glm.nb %.6f\n", theta, reference$theta,
            -fit$objective, as.numeric(logLik(reference))))

wrong <- c(
  "coefficients" = max(abs(fit$par[1:count] - coefficients)) > 1e-6,
  "theta" = abs(theta / reference$theta - 1) > 1e-6,
  "log-likelihood" = abs(-fit$objective - as.numeric(logLik(reference))) > 1e-8,
  "standard errors" = max(abs(errors / expected_errors - 1)) > 1e-4,
  "gradient at the end" = max(abs(f$gr(fit$par))) > 1e-6,
  "by-hand.R" = max(abs(c(f$fn(start) - by_hand$fn(start), f$gr(start) - by_hand$gr(start)))) > 1e-8)
cat(if (any(wrong)) paste("\nwrong:", toString(names(wrong)[wrong])) else "\nall agree", "\n")
quit(status = as.integer(any(wrong)))

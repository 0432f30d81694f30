# Uses the R client: client_test.R ADDRESS GUARDED TOKEN PROXY, from the top of the repository.
#
# ADDRESS is a server, GUARDED one that asks for TOKEN, PROXY what ../proxy.py printed. Values are compared with closed
# forms, numbers with their bits.

source("clients/r/autograd.R")
arguments <- commandArgs(TRUE)
guarded <- arguments[2]
token <- arguments[3]
proxy <- arguments[4]
ag <- autograd(arguments[1])
run <- Sys.getpid()
passed <- 0
failed <- 0
set.seed(1)

check <- function(what, holds, got = "") {
  holds <- isTRUE(holds)
  passed <<- passed + holds
  failed <<- failed + !holds
  if (!holds) cat("FAILED r:", what, ":", paste(utils::capture.output(str(got)), collapse = "\n"), "\n")
}

# Of one kind and shape, and as near as that.
near <- function(what, got, expected, tolerance = 0) {
  same <- identical(dim(got), dim(expected)) && length(got) == length(expected) && typeof(got) == typeof(expected)
  check(what, same && all(abs(got - expected) <= tolerance * pmax(1, abs(expected))), list(got, expected))
}

# NaNs need only be NaNs.
same_bits <- function(what, got, sent) {
  clean <- function(x) writeBin(as.double(ifelse(is.nan(x), 0, x)), raw())
  check(what,
        identical(dim(got), dim(sent)) && identical(clean(got), clean(sent)) && identical(is.nan(got), is.nan(sent)),
        list(got, sent))
}

refused <- function(what, call, ...) {
  problem <- tryCatch({ force(call); NULL }, autograd_problem = function(p) p)
  expected <- list(...)
  check(what, !is.null(problem) && identical(unclass(problem)[names(expected)], expected), problem)
}

fails <- function(what, call, text) {
  message <- tryCatch({ force(call); "no error" }, error = conditionMessage)
  check(what, grepl(text, message, fixed = TRUE), message)
}

counts <- function(key) jsonlite::fromJSON(paste0(proxy, "/counts/r-", key, "-", run))
through <- function(way, key, ...) autograd(paste0(proxy, "/", way, "/r-", key, "-", run), ...)

derivatives <- function() {
  a <- matrix(rnorm(12), 3)
  x <- rnorm(4)
  e <- exp(as.vector(a %*% x))
  both <- ag$value_and_grad("y = sum(exp(a @ x))", list(a = a, x = x))
  near("value", both$outputs$y, sum(e), 1e-14)
  near("gradient of a vector", both$gradients$x, as.vector(t(a) %*% e), 1e-13)
  near("gradient of a matrix", both$gradients$a, outer(e, x), 1e-13)
  near("evaluate", ag$evaluate("y = a @ x", list(a = a, x = x))$y, as.vector(a %*% x), 1e-14)
  ct <- rnorm(3)
  only_x <- ag$gradients("y = a @ x", list(a = a, x = x), wrt = "x", cotangents = list(y = ct))
  check("wrt takes one name", identical(names(only_x), "x"), only_x)
  near("cotangents", only_x$x, as.vector(t(a) %*% ct), 1e-14)
  near("Jacobian", ag$jacobian("y = a @ x", list(a = a, x = x))$y$x, a)
  stacked <- ag$jacobian("y = s * (a @ x)", list(a = a, x = x, s = 2), wrt = c("x", "s"), stacked = TRUE)
  near("stacked Jacobian", stacked, cbind(2 * a, as.vector(a %*% x)), 1e-14)
  near("Hessian", ag$hessian("y = sum(x ^ 3)", list(x = x))$x$x, diag(6 * x), 1e-14)
  near("stacked Hessian", ag$hessian("y = sum(x ^ 3)", list(x = x), stacked = TRUE), diag(6 * x), 1e-14)
  v <- rnorm(4)
  near("Hessian times vector", ag$hvp("y = sum(x ^ 3)", list(x = x), list(x = v))$x, 6 * x * v, 1e-14)
  near("jvp", ag$jvp("y = sin(x)", list(x = x), list(x = v))$tangents$y, cos(x) * v, 1e-14)
  each <- ag$gradients("y = k * x ^ 2", list(x = x, k = 3), batch = "x", per_example = TRUE)
  near("one gradient for each example", each$k, x^2, 1e-14)
  graph <- list(nodes = list(list(op = "mul", inputs = c("x", "c"), outputs = "y")), constants = list(c = c(2, 1 / 3)))
  near("a graph as a list", ag$evaluate(graph, list(x = c(1, 1)))$y, c(2, 1 / 3))
  check("check", ag$post("check", "y = sum(x ^ 2)", list(x = x))$result == "passes")
}

exact_numbers <- function() {
  special <- c(5e-324, -5e-324, 2.2250738585072014e-308, -0.0, 0, 1e308, -1e308, 0.1, 1 / 3, NaN, Inf, -Inf)
  same_bits("special numbers", ag$evaluate("y = x", list(x = special))$y, special)
  for (number in special) same_bits(paste("the number", number), ag$evaluate("y = x", list(x = number))$y, number)
  bits <- readBin(as.raw(sample(0:255, 32000, TRUE)), "double", 4000, endian = "little")
  bits[is.na(bits)] <- NaN
  same_bits("random bits", ag$evaluate("y = x", list(x = bits))$y, bits)
  same_bits("random bits as bytes", ag$evaluate("y = x", list(x = ag$tensor(bits)))$y, bits)
  for (shape in list(c(2, 3), c(1, 3), c(3, 1), c(1, 1), 1, c(2, 3, 4), c(4, 3, 2, 2), c(0, 3), c(2, 0))) {
    x <- array(rnorm(prod(shape)), shape)
    same_bits(paste("the shape", toString(shape)), ag$evaluate("y = x", list(x = x))$y, x)
    same_bits(paste("the shape", toString(shape), "as bytes"), ag$evaluate("y = x", list(x = ag$tensor(x)))$y, x)
  }
  same_bits("no elements", ag$evaluate("y = x", list(x = numeric()))$y, numeric())
  m <- matrix(1:6, 2)
  near("rows stay rows", ag$evaluate("y = m[0]", list(m = m))$y, c(1, 3, 5))
  shape_text <- function(x) ag$post("inspect", "y = x", list(x = x))$inputs$x$shape
  check("a number is a scalar", identical(shape_text(5), list()), shape_text(5))
  check("an array of one is a vector", identical(shape_text(array(5, 1)), list(1L)), shape_text(array(5, 1)))
  check("integers", identical(ag$evaluate("y = x", list(x = ag$tensor(c(1, -5), "int32")))$y, c(1L, -5L)))
  near("the least int32", ag$evaluate("y = int32([-2147483648, 7])")$y, c(-2147483648, 7))
  halves <- c(-5, 2^31, 2^32 + 2^31, -2^40 - 1)
  near("whole numbers with each half negative", ag$evaluate("y = x", list(x = ag$tensor(halves, "int64")))$y, halves)
  near("whole numbers up to 2^53", ag$evaluate("y = x", list(x = ag$tensor(c(2^53, -2^53), "int64")))$y, c(2^53, -2^53))
  # The bits of 2^63 - 1 and of -2^53 - 1, as the package bit64 keeps them.
  big <- readBin(as.raw(c(rep(255, 7), 127, rep(255, 6), 0xdf, 255)), "double", 2, endian = "little")
  big <- structure(big, class = "integer64")
  got <- ag$evaluate("y = x", list(x = big))$y
  check("int64 beyond 2^53",
        inherits(got, "integer64") && identical(writeBin(unclass(got), raw()), writeBin(unclass(big), raw())), got)
  near("int64 from text", unclass(ag$evaluate("y = int64([9223372036854775807, 3])")$y)[2],
        readBin(as.raw(c(3, rep(0, 7))), "double"))
  near("a name with Greek letters", ag$evaluate("y = 2 * π", list(π = 3))$y, 6)
  check("bool",
        identical(ag$evaluate("y = ~x", list(x = matrix(c(TRUE, FALSE, TRUE), 1)))$y, matrix(c(FALSE, TRUE, FALSE), 1)))
  near("float32 rounds once", ag$evaluate("y = x", list(x = ag$tensor(0.1, "float32")))$y,
        0.100000001490116119384765625)
  near("numbers take the dtype of the request", ag$evaluate("y = x", list(x = 0.1), dtype = "float32")$y,
        0.100000001490116119384765625)
  near("an index", ag$evaluate("y = take(x, i)", list(x = c(5, 6, 7), i = ag$tensor(c(2, 0), "int64")))$y, c(7, 5))
}

errors <- function() {
  refused("an unknown operator", ag$evaluate("a = x\ny = a // 2", list(x = 1)), code = "invalid_formula", status = 400L,
          pointer = "/graph", line = 2L, column = 7L, excerpt = "y = a // 2\n      ^")
  refused("shapes", ag$evaluate("y = a @ b", list(a = matrix(1, 2, 3), b = matrix(1, 4, 5))),
        code = "shape_mismatch", status = 422L)
  refused("a misspelt option", ag$evaluate("y = x", list(x = 1), wtr = "x"), code = "unknown_member", pointer = "/wtr")
  refused("an unknown endpoint", ag$post("vjp", "y = x", list(x = 1)), status = 404L, code = "not_found")
  refused("a page instead of a problem", through("page", "p")$evaluate("y = x", list(x = 1)), status = 502L)
  fails("an error shows the place", ag$evaluate("y = a // 2", list(a = 1)), "y = a // 2\n      ^")
  fails("NA", ag$evaluate("y = x", list(x = c(1, NA))), "x holds NA")
  fails("text is no tensor", ag$evaluate("y = x", list(x = "1")), "not character")
  fails("a factor is no tensor", ag$evaluate("y = x", list(x = factor("a"))), "not factor")
  fails("inputs have names", ag$evaluate("y = x", list(1)), "by name")
  fails("no server", autograd("http://127.0.0.1:9")$evaluate("y = x", list(x = 1)), "connect")
  warned <- tryCatch(ag$evaluate("y = x", list(x = 1, z = 2)), warning = conditionMessage)
  check("a warning", grepl("unused_input at /inputs/z", warned, fixed = TRUE), warned)
}

connections <- function() {
  took <- system.time(y <- through("busy", "busy")$evaluate("y = x + 1", list(x = 1))$y)[["elapsed"]]
  check("503 twice, then an answer", y == 2 && took >= 2 && counts("busy")$requests == 3, list(y, took))
  refused("503 for ever", through("always-busy", "always", retries = 3)$evaluate("y = x", list(x = 1)),
        status = 503L, code = "overloaded")
  check("a bounded number of tries", counts("always")$requests == 4, counts("always"))
  kept <- through("plain", "kept")
  total <- sum(sapply(0:49, function(i) kept$evaluate("y = x", list(x = i))$y))
  check("one connection for 50 requests",
        total == 1225 && counts("kept")$requests == 50 && counts("kept")$connections == 1, counts("kept"))
  dropping <- through("dropping", "dropped")
  total <- sum(sapply(0:4, function(i) dropping$evaluate("y = x", list(x = i))$y))
  check("a dropped connection is made again", total == 10, total)
  near("with a token", autograd(guarded, token = token)$evaluate("y = x", list(x = 1))$y, 1)
  refused("without a token", autograd(guarded)$evaluate("y = x", list(x = 1)), status = 401L, code = "unauthorized")
}

solvers <- function() {
  # Rosenbrock's function, as in the examples of ?optim.
  f <- through("plain", "solver")$objective("f = 100 * (x[1] - x[0] ^ 2) ^ 2 + (1 - x[0]) ^ 2", list(x = c(-1.2, 1)))
  near("value for a solver", f$fn(f$par), 24.2, 1e-14)
  near("gradient for a solver", f$gr(f$par), c(-215.6, -88), 1e-13)
  check("value and gradient share a request", counts("solver")$requests == 1, counts("solver"))
  near("Hessian for a solver", f$he(f$par), matrix(c(1330, 480, 480, 200), 2), 1e-13)
  near("optim", optim(f$par, f$fn, f$gr, method = "BFGS")$par, c(x1 = 1, x2 = 1), 1e-6)
  near("nlminb", nlminb(f$par, f$fn, f$gr, f$he)$par, c(x1 = 1, x2 = 1), 1e-8)
  near("nlm", nlm(f$nlm, f$par, check.analyticals = TRUE)$estimate, c(1, 1), 1e-5)

  x <- matrix(rnorm(60), 20)
  t <- rnorm(20)
  f <- ag$objective("r = x @ w + b - t\nloss = mean(r ^ 2)\nreturn loss, r", list(w = numeric(3), b = 0),
        list(x = x, t = t), of = "loss")
  fitted <- f$unflatten(optim(f$par, f$fn, f$gr, method = "BFGS", control = list(reltol = 1e-14))$par)
  expected <- unname(coef(lm(t ~ x)))
  near("a regression", c(fitted$b, fitted$w), expected, 1e-5)

  m <- matrix(c(0.5, -1, 2, 3, 0.1, 0.7), 2)
  f <- ag$objective("y = sum(m ^ 3) * s + sum((m @ v) ^ 2)", list(m = m, s = 2), list(v = c(1, 2, 3)))
  v <- c(1, 2, 3)
  near("gradient of a matrix for a solver", f$gr(f$par),
        c(as.vector(6 * m^2 + 2 * outer(as.vector(m %*% v), v)), sum(m^3)), 1e-13)
  expected <- matrix(0, 7, 7)
  expected[1:6, 1:6] <- diag(as.vector(12 * m)) + 2 * kronecker(outer(v, v), diag(2))
  expected[7, 1:6] <- expected[1:6, 7] <- as.vector(3 * m^2)
  near("Hessian of a matrix for a solver", f$he(f$par), expected, 1e-13)
  check("unflatten", identical(f$unflatten(f$par), list(m = m, s = 2)), f$unflatten(f$par))
  fails("a vector output cannot be minimised", { g <- ag$objective("y = x * 2", list(x = c(1, 1))); g$fn(g$par) },
        "one scalar")
  fails("a vector of another length", f$unflatten(1), "7 elements")
}

registered_graphs <- function() {
  name <- paste0("clients-r-", run)
  first <- ag$put(name, "y = sum(k * x ^ 2)", description = "a test", defaults = list(k = 3), create = TRUE)$version
  on.exit(try(ag$delete(name), silent = TRUE))
  graph <- ag$graph(name)
  near("evaluate by name", ag$evaluate(graph, list(x = c(1, 2)))$y, 15)
  near("gradients by name", ag$gradients(graph, list(x = c(1, 2)))$x, c(6, 12))
  refused("it exists", ag$put(name, "y = x", create = TRUE), status = 412L, code = "precondition_failed")
  check("the next version", ag$put(name, "y = sum(x ^ 3)", if_match = first)$version == first + 1)
  refused("it has changed", ag$put(name, "y = x", if_match = first), status = 412L)
  near("the newest", ag$evaluate(graph, list(x = array(2, 1)))$y, 8)
  near("the old one", ag$evaluate(ag$graph(paste0(name, "@", first)), list(x = array(2, 1)))$y, 12)
  check("get", ag$get(name)$version == first + 1)
  check("versions", identical(sapply(ag$versions(name), function(v) v$version), c(first, first + 1L)))
  names <- paste0(name, ".", 0:2)
  for (each in names) ag$put(each, "y = x")
  check("list by prefix", identical(sapply(ag$list(paste0(name, ".")), function(g) g$name), names))
  for (each in names) ag$delete(each)
  ag$delete(name)
  refused("it is gone", ag$get(name), status = 404L)
}

derivatives()
exact_numbers()
errors()
connections()
solvers()
status <- curl::curl_fetch_memory(paste0(arguments[1], "/v1/graphs"))$status_code
if (status == 200) registered_graphs() else {
  check("only a server without registered graphs has no list", status == 404, status)
  cat("r: the server has no registered graphs: they are not tested\n")
}
cat("r:", passed, "passed,", failed, "failed\n")
quit(status = if (failed > 0) 1 else 0)

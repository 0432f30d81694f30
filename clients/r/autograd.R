# Values and exact derivatives of formulas, computed by an Autograd Server. Needs the packages curl and jsonlite.
#
#   source("autograd.R")
#   ag <- autograd("http://localhost:8080")
#   answer <- ag$value_and_grad("y = sum(x ^ 2)", list(x = c(1, 2, 3)))
#   answer$outputs$y     # 14
#   answer$gradients$x   # 2 4 6
#
# A graph is a formula (text), a graph in the server's JSON form (a list), or ag$graph("fit"): a graph that is
# registered on the server under a name. Text is always a formula, so a name is never mistaken for one.
#
# Tensors
# - A number, which is a vector of length 1 without dim, is a scalar: shape []. Other vectors have the shape [n]. A
#   matrix or an array has its dim: array(5, 1) has the shape [1], so as.array(x) is a vector of whatever length.
# - Numbers have no dtype: they take that of what they stand for, float64 by default. They are sent with 17 digits, so
#   no bit is lost. ag$tensor(x, "float32") has a dtype. Logicals are bool.
# - int64 beyond 2^53 comes and goes as integer64 of the package bit64. NA is refused; NaN is not.
# - Matrices keep their rows and columns: they are rearranged on the way, because R stores columns and the server rows.
#
# What the server refuses is an error of the class autograd_problem. It has code, status, detail, pointer and, in
# formulas, line, column and excerpt:  tryCatch(ag$evaluate(...), autograd_problem = function(p) p$code)

autograd <- local({

  # ---- Numbers as JSON text ----------------------------------------------------------------------

  quoted <- function(texts) {
    vapply(texts, function(text) as.character(jsonlite::toJSON(jsonlite::unbox(text))), "", USE.NAMES = FALSE)
  }

  numbers <- function(x) {
    if (is.logical(x)) return(ifelse(x, "true", "false"))
    if (is.integer(x)) return(sprintf("%d", x))
    text <- sprintf("%.17g", x)
    text[is.nan(x)] <- '"NaN"'
    text[is.infinite(x)] <- ifelse(x[is.infinite(x)] > 0, '"Infinity"', '"-Infinity"')
    text
  }

  array_text <- function(texts) paste0("[", paste(texts, collapse = ","), "]")

  shape_of <- function(x) if (!is.null(dim(x))) dim(x) else if (length(x) == 1) integer() else length(x)

  # The elements in the order of rows, as the server has them, and back.
  by_rows <- function(x) if (length(dim(x)) > 1) as.vector(aperm(x, rev(seq_along(dim(x))))) else as.vector(x)
  from_rows <- function(values, shape) {
    if (length(shape) > 1) aperm(array(values, rev(shape)), rev(seq_along(shape)))
    else if (identical(as.integer(shape), 1L)) array(values, 1)
    else values
  }

  tensor_text <- function(x, name = "a tensor") {
    if (inherits(x, "autograd_tensor")) return(unclass(x))
    if (inherits(x, "integer64")) return(unclass(tensor(x, "int64")))
    if (!is.numeric(x) && !is.logical(x) || is.factor(x)) {
      stop(name, ": numbers or logicals are expected, in a vector, matrix or array, not ", class(x)[1], call. = FALSE)
    }
    if (anyNA(x) && any(is.na(x) & !is.nan(x))) stop(name, " holds NA; the server knows only NaN", call. = FALSE)
    shape <- shape_of(x)
    texts <- numbers(by_rows(x))
    if (length(shape) == 0) return(texts)
    paste0('{"shape":', array_text(shape), ',"data":', array_text(texts), "}")
  }

  # A tensor with a dtype. Floats go as bytes, which is faster than text for large ones.
  tensor <- function(x, dtype = c("float64", "float32", "int64", "int32", "bool"), shape = shape_of(x)) {
    dtype <- match.arg(dtype)
    head <- paste0('{"dtype":"', dtype, '","shape":', array_text(shape), ',')
    width <- c(float64 = 8, float32 = 4, int64 = if (inherits(x, "integer64")) 8 else NA)[dtype]
    text <- if (!is.na(width)) {
      # An integer64 has its bits in a double.
      bytes <- writeBin(as.double(by_rows(unclass(x))), raw(), size = width, endian = "little")
      paste0('"encoding":"base64","data":"', gsub("\n", "", jsonlite::base64_enc(bytes), fixed = TRUE), '"}')
    } else {
      values <- by_rows(x)
      paste0('"data":', array_text(if (dtype == "bool") numbers(values != 0) else sprintf("%.0f", values)), "}")
    }
    structure(paste0(head, text), class = "autograd_tensor")
  }

  json <- function(x) {
    if (inherits(x, "json") || inherits(x, "autograd_tensor")) return(unclass(x))
    if (is.null(x)) return("null")
    if (is.list(x)) {
      parts <- vapply(x, json, "")
      return(if (is.null(names(x))) array_text(parts) else object_text(names(x), parts))
    }
    if (!is.null(dim(x))) return(tensor_text(x))
    texts <- if (is.character(x)) quoted(x) else numbers(x)
    if (length(x) == 1 && !inherits(x, "AsIs")) texts else array_text(texts)
  }

  object_text <- function(names, texts) paste0("{", paste(quoted(names), texts, sep = ":", collapse = ","), "}")

  named_tensors <- function(tensors) {
    if (!is.list(tensors) || length(tensors) > 0 && is.null(names(tensors))) {
      stop("tensors by name are expected, such as list(x = c(1, 2))", call. = FALSE)
    }
    if (length(tensors) == 0) "{}" else object_text(names(tensors), mapply(tensor_text, tensors, names(tensors)))
  }

  request_text <- function(members) {
    members <- Filter(Negate(is.null), members)
    texts <- mapply(function(name, value) {
      if (name %in% c("inputs", "cotangents", "tangents", "vectors", "defaults")) named_tensors(value)
      else if (name %in% c("outputs", "of", "wrt", "batch")) array_text(quoted(as.character(value)))
      else json(value)
    }, names(members), members)
    object_text(names(members), texts)
  }

  # ---- Answers -----------------------------------------------------------------------------------

  # Integers as R has them are without -2^31, whose bits mean NA.
  words <- function(bytes) {
    values <- readBin(bytes, "integer", length(bytes) / 4, size = 4, endian = "little")
    if (anyNA(values)) replace(as.double(values), is.na(values), -2^31) else values
  }

  int64s <- function(bytes) {
    halves <- matrix(as.double(words(bytes)), nrow = 2)
    values <- halves[2, ] * 2^32 + halves[1, ] + ifelse(halves[1, ] < 0, 2^32, 0)
    if (all(abs(values) <= 2^53)) return(values)
    structure(readBin(bytes, "double", length(bytes) / 8, size = 8, endian = "little"), class = "integer64")
  }

  from_answer <- function(tensor) {
    bytes <- jsonlite::base64_dec(tensor$data)
    values <- switch(tensor$dtype,
      float64 = readBin(bytes, "double", length(bytes) / 8, size = 8, endian = "little"),
      float32 = readBin(bytes, "double", length(bytes) / 4, size = 4, endian = "little"),
      int64 = int64s(bytes), int32 = words(bytes), bool = bytes == 1)
    arranged <- from_rows(unclass(values), unlist(tensor$shape))
    if (inherits(values, "integer64")) class(arranged) <- "integer64"
    arranged
  }

  # By how many names the tensors of an answer are found.
  depths <- c(outputs = 1, gradients = 1, tangents = 1, products = 1, jacobians = 2, hessians = 2,
              jacobian = 0, hessian = 0, gradient = 0)

  decoded <- function(value, depth) if (depth == 0) from_answer(value) else lapply(value, decoded, depth - 1)

  problem <- function(members, status) {
    if (is.null(members$code)) members <- list(detail = paste("HTTP status", status))
    place <- if (length(members$pointer) && nzchar(members$pointer)) paste(" at", members$pointer)
    lines <- paste0(members$detail, " (", c(members$code, status)[1], place, ")")
    members$status <- status
    members$message <- paste(c(lines, members$excerpt), collapse = "\n")
    structure(c(members, list(call = NULL)), class = c("autograd_problem", "error", "condition"))
  }

  # ---- A vector for solvers ----------------------------------------------------------------------

  # All elements of a list of arrays as one vector, in R's order, and the function that makes a list of such a vector.
  flatten <- function(tensors) {
    ends <- cumsum(lengths(tensors))
    unflatten <- function(par) {
      if (length(par) != sum(lengths(tensors))) stop(sum(lengths(tensors)), " elements are expected, got ", length(par))
      mapply(function(like, end) {
        values <- as.double(par[seq_len(length(like)) + end - length(like)])
        if (is.null(dim(like))) values else array(values, dim(like))
      }, tensors, ends, SIMPLIFY = FALSE)
    }
    list(par = unlist(lapply(tensors, function(x) as.double(x))), unflatten = unflatten)
  }

  # Where each element of that vector stands in the server's order.
  places_by_rows <- function(tensors) {
    starts <- cumsum(lengths(tensors)) - lengths(tensors)
    unlist(mapply(function(like, start) {
      start + as.vector(from_rows(seq_along(like), shape_of(like)))
    }, tensors, starts, SIMPLIFY = FALSE), use.names = FALSE)
  }

  # ---- The client --------------------------------------------------------------------------------

  # url, token: of the server; by default the environment's AUTOGRAD_URL and AUTOGRAD_TOKEN.
  # timeout: seconds for one try of a request; the server ends the work then, too.
  # retries: how often a request is sent again that the server had no time for (503, 429). Before each, the client waits
  #   as long as the server says in Retry-After, but no longer than 30 seconds.
  #
  # All calls that compute take, behind their own arguments, those that the server documents: outputs, of, wrt, batch
  # (names), cotangents (tensors by name), per_example, dtype, diagnose.
  function(url = Sys.getenv("AUTOGRAD_URL", "http://127.0.0.1:8080"), token = Sys.getenv("AUTOGRAD_TOKEN"),
           timeout = 60, retries = 4) {
    url <- sub("/+$", "", url)
    handle <- curl::new_handle()  # one connection, kept open

    send <- function(method, path, body = NULL, headers = list()) {
      curl::handle_reset(handle)
      curl::handle_setopt(handle, customrequest = method, timeout_ms = as.integer(1000 * timeout))
      if (nzchar(token)) headers$Authorization <- paste("Bearer", token)
      if (!is.null(body)) {
        bytes <- charToRaw(enc2utf8(body))
        curl::handle_setopt(handle, postfieldsize = length(bytes), postfields = bytes)
        headers[["Content-Type"]] <- "application/json"
      }
      more <- list(Accept = "application/json", Expect = "", `Request-Timeout` = sprintf("%.3f", timeout))
      curl::handle_setheaders(handle, .list = c(headers, more))
      for (tries_left in retries:0) {
        response <- curl::curl_fetch_memory(paste0(url, path), handle)
        if (!response$status_code %in% c(429, 503) || tries_left == 0) break
        after <- suppressWarnings(as.numeric(curl::parse_headers_list(response$headers)[["retry-after"]]))
        # A little more than asked for, at random, so that many clients do not come back at the same moment.
        Sys.sleep(min(if (length(after) && !is.na(after)) after else 1, 30) + stats::runif(1, 0, 0.1))
      }
      text <- rawToChar(response$content)
      Encoding(text) <- "UTF-8"
      members <- tryCatch(jsonlite::fromJSON(text, simplifyVector = FALSE), error = function(e) NULL)
      if (response$status_code >= 400) stop(problem(members, response$status_code))
      members
    }

    graph_path <- function(name) paste0("/v1/graphs/", sub("%40", "@", utils::URLencode(name, reserved = TRUE)))

    # Posts to any endpoint that takes a graph, such as "evaluate", "check" or "inspect"; the whole answer.
    post <- function(endpoint, graph, inputs = list(), ...) {
      is_registered <- inherits(graph, "autograd_graph")
      path <- paste0(if (is_registered) graph_path(graph$name) else "/v1", "/", endpoint)
      encoding <- if (!endpoint %in% c("check", "inspect")) "base64"
      members <- list(graph = if (!is_registered) graph, inputs = inputs, encoding = encoding, ...)
      answer <- send("POST", path, request_text(members))
      for (name in if (length(encoding)) intersect(names(answer), names(depths))) {
        answer[[name]] <- decoded(answer[[name]], depths[[name]])
      }
      for (w in answer$warnings) warning(w$detail, " (", w$code, " at ", w$pointer, ")", call. = FALSE)
      answer
    }

    # The graph's outputs, by name.
    evaluate <- function(graph, inputs = list(), ...) post("evaluate", graph, inputs, gradients = FALSE, ...)$outputs

    # list(outputs, gradients), of one request. Gradients are those of the sum of all outputs, or of what `of` and
    # `cotangents` say, each of the shape of its input.
    value_and_grad <- function(graph, inputs = list(), ...) {
      post("evaluate", graph, inputs, ...)[c("outputs", "gradients")]
    }

    # First derivatives: jacobian$y$x has the shape of y followed by that of x; with stacked = TRUE one matrix, its rows
    # and columns in the server's order.
    jacobian <- function(graph, inputs = list(), ..., stacked = FALSE) {
      answer <- post("jacobian", graph, inputs, stacked = stacked, ...)
      if (stacked) answer$jacobian else answer$jacobians
    }

    # Second derivatives of the sum of all outputs: hessian$x$w; with stacked = TRUE one matrix.
    hessian <- function(graph, inputs = list(), ..., stacked = FALSE) {
      answer <- post("hessian", graph, inputs, stacked = stacked, ...)
      if (stacked) answer$hessian else answer$hessians
    }

    # list(outputs, tangents): derivatives of the outputs along `tangents`, a tensor for each input that changes.
    jvp <- function(graph, inputs, tangents, ...) {
      post("jvp", graph, inputs, tangents = tangents, ...)[c("outputs", "tangents")]
    }

    # The Hessian of the sum of all outputs times `vectors`: for each input a tensor of its shape.
    hvp <- function(graph, inputs, vectors, ...) post("hvp", graph, inputs, vectors = vectors, ...)$products

    # A scalar as functions of one vector, for solvers:
    #   f <- ag$objective("loss = mean((x @ w - t) ^ 2)", start = list(w = numeric(3)), fixed = list(x = x, t = t))
    #   best <- optim(f$par, f$fn, f$gr, method = "BFGS");  nlminb(f$par, f$fn, f$gr, f$he);  nlm(f$nlm, f$par)
    #   f$unflatten(best$par)$w
    # `start` varies, all else is `fixed`. fn and gr at the same place share one request. `of`: what to minimise, if the
    # graph has several outputs.
    objective <- function(graph, start, fixed = list(), of = NULL) {
      flat <- flatten(start)
      at <- NULL
      answer <- NULL
      inputs <- function(par) c(fixed, flat$unflatten(par))
      both <- function(par) {
        if (!identical(as.double(par), at, num.eq = FALSE)) {
          answer <<- value_and_grad(graph, inputs(par), wrt = names(start), of = of, outputs = of)
          at <<- as.double(par)
        }
        answer
      }
      fn <- function(par) {
        outputs <- both(par)$outputs
        if (length(outputs) != 1 || length(outputs[[1]]) != 1) stop("one scalar output is expected; `of` can name it")
        as.double(outputs[[1]])
      }
      gr <- function(par) unlist(lapply(both(par)$gradients[names(start)], as.double), use.names = FALSE)
      he <- function(par) {
        places <- places_by_rows(start)
        hessian(graph, inputs(par), wrt = names(start), of = of, stacked = TRUE)[places, places, drop = FALSE]
      }
      nlm <- function(par) structure(fn(par), gradient = gr(par), hessian = he(par))
      list(par = flat$par, fn = fn, gr = gr, he = he, nlm = nlm, unflatten = flat$unflatten)
    }

    # Registers a graph, text or a list; what `get` returns. `defaults` are inputs that requests may leave out. if_match
    # (a version) replaces only that one, create = TRUE nothing; else the problem is precondition_failed.
    put <- function(name, graph, description = NULL, defaults = NULL, if_match = NULL, create = FALSE) {
      headers <- c(if (!is.null(if_match)) list(`If-Match` = sprintf('"%d"', as.integer(if_match))),
                   if (create) list(`If-None-Match` = "*"))
      body <- request_text(list(graph = graph, description = description, defaults = defaults))
      send("PUT", graph_path(name), body, as.list(headers))
    }

    # The registered graphs whose names begin with `prefix`: a list.
    list_graphs <- function(prefix = "") {
      graphs <- list()
      after <- NULL
      repeat {
        query <- c(limit = "1000", prefix = if (nzchar(prefix)) prefix, after = after)
        query <- paste(names(query), vapply(query, utils::URLencode, "", reserved = TRUE), sep = "=", collapse = "&")
        page <- send("GET", paste0("/v1/graphs?", query))
        graphs <- c(graphs, page$graphs)
        after <- page[["next"]]
        if (is.null(after)) return(graphs)
      }
    }

    list(
      evaluate = evaluate, value_and_grad = value_and_grad,
      gradients = function(graph, inputs = list(), ...) value_and_grad(graph, inputs, ...)$gradients,
      jacobian = jacobian, hessian = hessian, jvp = jvp, hvp = hvp,
      post = post, objective = objective, tensor = tensor, flatten = flatten,
      # The graph that is registered as `name`, its newest version; "fit@3" is always version 3.
      graph = function(name) structure(list(name = name), class = "autograd_graph"),
      put = put, list = list_graphs,
      get = function(name) send("GET", graph_path(name)),
      versions = function(name) send("GET", paste0(graph_path(name), "/versions"))$versions,
      delete = function(name, if_match = NULL) {
        headers <- if (is.null(if_match)) list() else list(`If-Match` = sprintf('"%d"', as.integer(if_match)))
        invisible(send("DELETE", graph_path(name), headers = headers))
      })
  }
})

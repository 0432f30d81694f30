"""
Values and exact derivatives of formulas, computed by an Autograd Server. Julia 1.6 or newer; of packages only JSON.

    include("Autograd.jl"); using .Autograd
    client = Client("http://localhost:8080")
    outputs, gradients = value_and_grad(client, "y = sum(x ^ 2)", (x = [1.0, 2.0, 3.0],))
    outputs.y      # 14.0
    gradients.x    # [2.0, 4.0, 6.0]

A graph is a formula (text), a graph in the server's JSON form (a Dict), or `Registered("fit")`: a graph that is
registered on the server under a name. Text is always a formula, so a name is never mistaken for one.

Inputs are tensors by name, a NamedTuple or a Dict. Arrays of Float64, Float32 and Bool keep their dtype and travel as
bytes, so that no bit changes. Numbers, and arrays of integers, have no dtype: they take that of what they stand for,
Float64 by default; `Tensor(x)` keeps Int64 or Int32. Answers are NamedTuples of arrays, and of numbers where the shape
is (). Matrices keep their rows and columns: they are rearranged on the way, because the server stores rows.

What the server refuses is thrown as a `Problem`. Warnings of an answer are logged with @warn.
"""
module Autograd

using Base64, Downloads, JSON

export Client, Registered, Tensor, Problem, evaluate, gradients, value_and_grad, jacobian, hessian, jvp, hvp, post,
    objective, flatten, put_graph, get_graph, graph_versions, delete_graph, list_graphs

const DTYPES = Dict(
    Float64 => "float64", Float32 => "float32", Int64 => "int64", Int32 => "int32", Bool => "bool")
const ELEMENTS = Dict(dtype => type for (type, dtype) in DTYPES)
"Members of answers that hold tensors, and by how many names each is found."
const TENSORS = Dict(
    "outputs" => 1, "gradients" => 1, "tangents" => 1, "products" => 1, "jacobians" => 2, "hessians" => 2,
    "jacobian" => 0, "hessian" => 0, "gradient" => 0)
const LONGEST_PAUSE = 30

"""
What the server refused, and why. `code` is for programs, such as "shape_mismatch"; `detail` is for people. `pointer` is
the place in the request, a JSON Pointer. For a mistake in a formula `line` and `column` count from 1, and `excerpt`
shows the place. `status` is the HTTP status. What the problem does not have is `nothing`; `members` has all of it.
"""
struct Problem <: Exception
    status::Int
    members::Dict{String,Any}
end

function Base.getproperty(problem::Problem, name::Symbol)
    name in (:status, :members) ? getfield(problem, name) : get(getfield(problem, :members), String(name), nothing)
end

function Base.showerror(io::IO, problem::Problem)
    print(io, problem.detail, " (", something(problem.code, problem.status))
    isempty(something(problem.pointer, "")) || print(io, " at ", problem.pointer)
    print(io, ")")
    problem.excerpt === nothing || print(io, "\n", problem.excerpt)
end

"""
    Client(url; token, timeout = 60, retries = 4)

A server; its connections stay open. `url` and `token` are by default the environment's AUTOGRAD_URL and
AUTOGRAD_TOKEN. `timeout` is in seconds, for one try of a request; the server ends the work then, too. `retries` says
how often a request is sent again that the server had no time for (503, 429). Before each, the client waits as long as
the server says in Retry-After, but no longer than 30 seconds.

All calls that compute take, as keywords, the members that the server documents: outputs, of, wrt, batch (names),
cotangents (tensors by name), per_example, dtype, diagnose.
"""
struct Client
    url::String
    token::String
    timeout::Float64
    retries::Int
    downloader::Downloads.Downloader
end

function Client(url = get(ENV, "AUTOGRAD_URL", "http://127.0.0.1:8080");
                token = get(ENV, "AUTOGRAD_TOKEN", ""), timeout = 60, retries = 4)
    Client(rstrip(url, '/'), token, timeout, retries, Downloads.Downloader())
end

"The graph that is registered as `name`, in its newest version; \"fit@3\" is always version 3."
struct Registered
    name::String
end

"A tensor that keeps the dtype of its elements, integers too."
struct Tensor
    data::AbstractArray
end
Tensor(number::Number) = Tensor(fill(number))

# ---- Calls ----

"The graph's outputs."
evaluate(client::Client, graph, inputs = NamedTuple(); options...) =
    post(client, "evaluate", graph, inputs; gradients = false, options...).outputs

"The gradients of the sum of all outputs, or of what `of` and `cotangents` say: each has the size of its input."
gradients(client::Client, graph, inputs = NamedTuple(); options...) =
    post(client, "evaluate", graph, inputs; options...).gradients

"Outputs and gradients, of one request."
function value_and_grad(client::Client, graph, inputs = NamedTuple(); options...)
    answer = post(client, "evaluate", graph, inputs; options...)
    answer.outputs, answer.gradients
end

"First derivatives: `jacobian(…).y.x` has the size of y followed by that of x; with `stacked = true` one matrix."
function jacobian(client::Client, graph, inputs = NamedTuple(); stacked = false, options...)
    answer = post(client, "jacobian", graph, inputs; stacked, options...)
    stacked ? answer.jacobian : answer.jacobians
end

"Second derivatives of the sum of all outputs: `hessian(…).x.w`; with `stacked = true` one matrix."
function hessian(client::Client, graph, inputs = NamedTuple(); stacked = false, options...)
    answer = post(client, "hessian", graph, inputs; stacked, options...)
    stacked ? answer.hessian : answer.hessians
end

"Outputs, and their derivatives along `tangents`, a tensor for each input that changes."
function jvp(client::Client, graph, inputs, tangents; options...)
    answer = post(client, "jvp", graph, inputs; tangents, options...)
    answer.outputs, answer.tangents
end

"The Hessian of the sum of all outputs times `vectors`: for each input a tensor of its size."
hvp(client::Client, graph, inputs, vectors; options...) =
    post(client, "hvp", graph, inputs; vectors, options...).products

"Posts to any endpoint that takes a graph, such as \"evaluate\" or \"check\"; the whole answer, a NamedTuple."
function post(client::Client, endpoint, graph, inputs = NamedTuple(); options...)
    request = Dict{String,Any}("inputs" => encoded(inputs))
    graph isa Registered || (request["graph"] = graph)
    has_tensors = !(endpoint in ("check", "inspect"))
    has_tensors && (request["encoding"] = "base64")
    for (name, value) in options
        value === nothing && continue
        is_list = name in (:of, :wrt, :outputs, :batch)
        has_names = name in (:cotangents, :tangents, :vectors)
        request[String(name)] = is_list ? names_of(value) : has_names ? encoded(value) : value
    end
    path = graph isa Registered ? "$(graph_path(graph.name))/$endpoint" : "/v1/$endpoint"
    answer = send(client, "POST", path, request)
    for warning in get(answer, "warnings", [])
        @warn "$(warning["detail"]) ($(warning["code"]) at $(warning["pointer"]))"
    end
    named((name, has_tensors && haskey(TENSORS, name) ? decoded(part, TENSORS[name]) : part) for (name, part) in answer)
end

"""
    f = objective(client, graph, start; of = nothing, fixed...)

A scalar as functions of one vector, for solvers: `f.x0`, `f.value_and_grad(v)`, `f.hessian(v)`, `f.unflatten(v)`, and
`f.fg!(F, G, v)` for Optim: `optimize(Optim.only_fg!(f.fg!), f.x0, LBFGS())`. `start`, a NamedTuple of arrays, varies;
all other inputs are `fixed`. `of` is what to minimise, if the graph has several outputs.
"""
function objective(client::Client, graph, start::NamedTuple; of = nothing, fixed...)
    x0, unflatten = flatten(start)
    options = (wrt = collect(keys(start)), of = of, outputs = of)
    inputs(v) = merge(values(fixed), unflatten(v))
    function value_and_gradient(v)
        outputs, slopes = value_and_grad(client, graph, inputs(v); options...)
        is_scalar = length(outputs) == 1 && first(outputs) isa Real
        is_scalar || error("one scalar output is expected; `of` can name it")
        first(outputs), reduce(vcat, [vec(collect(Float64, slopes[name])) for name in keys(start)])
    end
    function fg!(F, G, v)
        value, gradient = value_and_gradient(v)
        G === nothing || copyto!(G, gradient)
        F === nothing ? nothing : value
    end
    function hessian_at(v)
        places = places_by_rows(start)
        hessian(client, graph, inputs(v); stacked = true, options...)[places, places]
    end
    (x0 = x0, value_and_grad = value_and_gradient, hessian = hessian_at, fg! = fg!, unflatten = unflatten)
end

"All elements of a NamedTuple of arrays as one vector, and the function that makes such a NamedTuple of a vector."
function flatten(tensors::NamedTuple)
    vector = reduce(vcat, [vec(collect(Float64, part)) for part in values(tensors)])
    function unflatten(v)
        size(v) == size(vector) || throw(DimensionMismatch("$(length(vector)) elements are expected, got $(size(v))"))
        done = 0
        map(tensors) do part
            piece = v[done+1:done+length(part)]
            done += length(part)
            part isa Number ? Float64(only(piece)) : reshape(collect(Float64, piece), size(part))
        end
    end
    vector, unflatten
end

"Where each element of that vector stands in the server's order."
function places_by_rows(tensors::NamedTuple)
    done = 0
    reduce(vcat, map(collect(values(tensors))) do part
        inner = part isa Number ? [1] : vec(from_rows(collect(1:length(part)), size(part)))
        done += length(part)
        inner .+ (done - length(part))
    end)
end

# ---- Registered graphs ----

"""
Registers a graph; what `get_graph` returns. `defaults` are inputs that requests may leave out. `if_match` (a version)
replaces only that one, `create = true` nothing; else the Problem is "precondition_failed".
"""
function put_graph(client::Client, name, graph; description = nothing, defaults = nothing, if_match = nothing,
                   create = false)
    request = Dict{String,Any}("graph" => graph)
    description === nothing || (request["description"] = description)
    defaults === nothing || (request["defaults"] = encoded(defaults))
    headers = Pair{String,String}[]
    if_match === nothing || push!(headers, "If-Match" => "\"$if_match\"")
    create && push!(headers, "If-None-Match" => "*")
    send(client, "PUT", graph_path(name), request, headers)
end

"What is known about a registered graph: version, inputs, outputs, text and more."
get_graph(client::Client, name) = send(client, "GET", graph_path(name))

"All versions of a registered graph, the oldest first."
graph_versions(client::Client, name) = send(client, "GET", "$(graph_path(name))/versions")["versions"]

"Removes a registered graph and all its versions; with `if_match` only if that is the newest version."
delete_graph(client::Client, name; if_match = nothing) = send(
    client, "DELETE", graph_path(name), nothing, if_match === nothing ? [] : ["If-Match" => "\"$if_match\""])

"The registered graphs whose names begin with `prefix`, in order."
function list_graphs(client::Client, prefix = "")
    graphs, after = [], ""
    while after !== nothing
        query = prefix == "" ? "" : "&prefix=$(percent(prefix))"
        after == "" || (query *= "&after=$(percent(after))")
        page = send(client, "GET", "/v1/graphs?limit=1000" * query)
        append!(graphs, page["graphs"])
        after = page["next"]
    end
    graphs
end

graph_path(name) = "/v1/graphs/" * replace(percent(name), "%40" => "@")

percent(text) = join(
    Char(b) in "-._~" || isascii(Char(b)) && (isletter(Char(b)) || isdigit(Char(b))) ? Char(b) :
    "%" * uppercase(string(b, base = 16, pad = 2)) for b in codeunits(text))

# ---- Tensors ----

names_of(names) = names isa Union{AbstractString,Symbol} ? [String(names)] : [String(name) for name in names]

named(pairs) = (; (Symbol(name) => value for (name, value) in pairs)...)

encoded(tensors) = Dict(String(name) => encode(value, name) for (name, value) in pairs(tensors))

"The elements in the server's order, and back."
by_rows(x::AbstractArray) = ndims(x) < 2 ? vec(x) : vec(permutedims(x, ndims(x):-1:1))
function from_rows(values, shape)
    length(shape) < 2 && return reshape(values, Tuple(shape))
    permutedims(reshape(values, reverse(Tuple(shape))), length(shape):-1:1)
end

encode(x::Tensor, name) = with_dtype(x.data, name)
encode(x::Integer, name) = x
encode(x::Float32, name) = with_dtype(fill(x), name)
encode(x::Real, name) = isnan(x) ? "NaN" : isinf(x) ? (x > 0 ? "Infinity" : "-Infinity") : Float64(x)
encode(x::AbstractArray{Bool}, name) = with_dtype(x, name)
encode(x::AbstractArray{<:Integer}, name) = Dict("shape" => collect(size(x)), "data" => by_rows(x))
encode(x::AbstractArray, name) = with_dtype(x, name)
encode(x, name) = throw(ArgumentError("$name: a number or an array of numbers is expected, not a $(typeof(x))"))

function with_dtype(x::AbstractArray, name)
    haskey(DTYPES, eltype(x)) || throw(ArgumentError(
        "$name: elements are Float64, Float32, Int64, Int32 or Bool, not $(eltype(x)); convert them: Float64.(x)"))
    bytes = reinterpret(UInt8, htol.(Vector(by_rows(x))))
    Dict("dtype" => DTYPES[eltype(x)], "shape" => collect(size(x)), "encoding" => "base64",
         "data" => base64encode(collect(bytes)))
end

function decoded(value, depth)
    depth > 0 && return named((name, decoded(part, depth - 1)) for (name, part) in value)
    bytes, type = base64decode(value["data"]), ELEMENTS[value["dtype"]]
    elements = type == Bool ? bytes .== 1 : ltoh.(collect(reinterpret(type, bytes)))
    shape = Int.(value["shape"])
    isempty(shape) ? only(elements) : from_rows(collect(type, elements), shape)
end

# ---- HTTP ----

function send(client::Client, method, path, body = nothing, headers = Pair{String,String}[])
    all_headers = ["Accept" => "application/json", "Request-Timeout" => string(client.timeout), headers...]
    isempty(client.token) || push!(all_headers, "Authorization" => "Bearer $(client.token)")
    text = body === nothing ? nothing : JSON.json(body)
    text === nothing || push!(all_headers, "Content-Type" => "application/json")
    for tries_left in client.retries:-1:0
        output = IOBuffer()
        response = Downloads.request(
            client.url * path; method, headers = all_headers, input = text === nothing ? nothing : IOBuffer(text),
            output, timeout = client.timeout, downloader = client.downloader)
        answer = String(take!(output))
        response.status < 400 && return isempty(answer) ? nothing : JSON.parse(answer)
        (response.status in (429, 503) && tries_left > 0) || throw(problem(response.status, answer))
        after = tryparse(Float64, something(header(response, "retry-after"), "1"))
        # A little more than asked for, at random, so that many clients do not come back at the same moment.
        sleep(min(something(after, 1.0), LONGEST_PAUSE) + 0.1 * rand())
    end
end

function header(response, name)
    place = findfirst(pair -> lowercase(first(pair)) == name, response.headers)
    place === nothing ? nothing : last(response.headers[place])
end

function problem(status, answer)
    members = try
        Dict{String,Any}(JSON.parse(answer))
    catch
        Dict{String,Any}()  # not from this server: a proxy's page, perhaps
    end
    haskey(members, "detail") || (members["detail"] = "HTTP status $status")
    Problem(status, members)
end

end

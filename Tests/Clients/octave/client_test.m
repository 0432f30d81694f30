% Uses the Octave client: octave-cli client_test.m ADDRESS GUARDED TOKEN PROXY, from the top of the repository.
%
% ADDRESS is a server, GUARDED one that asks for TOKEN, PROXY what ../proxy.py printed. Values are compared with closed
% forms, numbers with their bits.

1;

function check(what, holds, got)
  global passed failed
  if isscalar(holds) && holds
    passed = passed + 1;
    return
  end
  failed = failed + 1;
  if nargin < 3, got = []; end
  printf('FAILED octave: %s: %s\n', what, strtrim(evalc('disp(got)')));
end

% Of one class and size, and as near as that.
function near(what, got, expected, tolerance)
  if nargin < 4, tolerance = 0; end
  holds = strcmp(class(got), class(expected)) && isequal(size(got), size(expected));
  if holds, holds = all(abs(got(:) - expected(:)) <= tolerance * max(1, abs(expected(:)))); end
  check(what, holds, {got, expected});
end

% NaNs need only be NaNs.
function same_bits(what, got, sent)
  holds = strcmp(class(got), class(sent)) && isequal(size(got), size(sent)) && isequal(isnan(got), isnan(sent));
  if holds && ~isempty(sent)
    [a, b] = deal(got(~isnan(sent)), sent(~isnan(sent)));
    holds = isequal(typecast(a(:)', 'uint8'), typecast(b(:)', 'uint8'));
  end
  check(what, holds, {got, sent});
end

% The problem has these members.
function refused(what, ag, call, varargin)
  try
    call();
    check(what, false, 'not refused');
  catch e
    problem = ag.problem();
    holds = strncmp(e.identifier, 'autograd:', 9);
    for k = 1:2:numel(varargin), holds = holds && isequal(problem.(varargin{k}), varargin{k + 1}); end
    check(what, holds, e.message);
  end
end

function fails(what, call, text)
  try
    call();
    check(what, false, 'no error');
  catch e
    check(what, ~isempty(strfind(e.message, text)), e.message);
  end
end

function values = counts(proxy, key)
  values = jsondecode(urlread(sprintf('%s/counts/octave-%s-%d', proxy, key, getpid())));
end

function ag = through(proxy, way, key, varargin)
  ag = autograd(sprintf('%s/%s/octave-%s-%d', proxy, way, key, getpid()), varargin{:});
end

function derivatives(ag)
  a = randn(3, 4);
  x = randn(4, 1);
  e = exp(a * x);
  [outputs, gradients] = ag.value_and_grad('y = sum(exp(a @ x))', struct('a', a, 'x', x));
  near('value', outputs.y, sum(e), 1e-14);
  near('gradient of a column', gradients.x, a' * e, 1e-13);
  near('gradient of a matrix', gradients.a, e * x', 1e-13);
  near('gradient of a row', ag.gradients('y = sum(x ^ 2)', struct('x', x')).x, 2 * x', 1e-14);
  near('evaluate', ag.evaluate('y = a @ x', struct('a', a, 'x', x)).y, a * x, 1e-14);
  ct = randn(3, 1);
  only_x = ag.gradients('y = a @ x', struct('a', a, 'x', x), 'wrt', 'x', 'cotangents', struct('y', ct));
  check('wrt takes one name', isequal(fieldnames(only_x), {'x'}), only_x);
  near('cotangents', only_x.x, a' * ct, 1e-14);
  near('Jacobian', ag.jacobian('y = a @ x', struct('a', a, 'x', x)).y.x, a);
  stacked = ag.jacobian('y = s * (a @ x)', struct('a', a, 'x', x, 's', 2), 'wrt', {'x', 's'}, 'stacked', true);
  near('stacked Jacobian', stacked, [2 * a, a * x], 1e-14);
  near('Hessian', ag.hessian('y = sum(x ^ 3)', struct('x', x)).x.x, diag(6 * x), 1e-14);
  near('stacked Hessian', ag.hessian('y = sum(x ^ 3)', struct('x', x), 'stacked', true), diag(6 * x), 1e-14);
  v = randn(4, 1);
  near('Hessian times vector', ag.hvp('y = sum(x ^ 3)', struct('x', x), struct('x', v)).x, 6 * x .* v, 1e-14);
  [~, tangents] = ag.jvp('y = sin(x)', struct('x', x), struct('x', v));
  near('jvp', tangents.y, cos(x) .* v, 1e-14);
  each = ag.gradients('y = k * x ^ 2', struct('x', x, 'k', ag.tensor(3, [])), 'batch', 'x', 'per_example', true);
  near('one gradient for each example', each.k, x .^ 2, 1e-14);
  graph = struct('nodes', {{struct('op', 'mul', 'inputs', {{'x', 'c'}}, 'outputs', 'y')}}, 'constants', ...
    struct('c', [2; 1 / 3]));
  near('a graph as a struct', ag.evaluate(graph, struct('x', [1 1])).y, [2; 1 / 3]);
  check('check', strcmp(ag.post('check', 'y = sum(x ^ 2)', struct('x', x)).result, 'passes'));
end

function exact_numbers(ag)
  special = [5e-324; -5e-324; 2.2250738585072014e-308; -0; 0; 1e308; -1e308; 0.1; 1 / 3; NaN; Inf; -Inf];
  same_bits('special numbers', ag.evaluate('y = x', struct('x', special)).y, special);
  for number = special', ...
    same_bits(sprintf('the number %g', number), ag.evaluate('y = x', struct('x', number)).y, number); end
  bytes = uint8(randi([0 255], 1, 32000));
  for type = {'double', 'single', 'int64', 'int32'}
    bits = typecast(bytes, type{1})';
    same_bits(['random bits of ' type{1}], ag.evaluate('y = x', struct('x', bits)).y, bits);
  end
  for type = {'int64', 'int32'}
    limits = [intmin(type{1}); intmax(type{1})];
    same_bits(['limits of ' type{1}], ag.evaluate('y = x', struct('x', limits)).y, limits);
    same_bits(['a scalar of ' type{1}], ag.evaluate('y = x', struct('x', limits(2))).y, limits(2));
  end
  sizes = {[2 3], [2 3 4], [4 3 2 2], [0 3], [2 0], [0 0], [1 1], [5 1], [1 2 3]};
  for k = 1:numel(sizes)
    x = randn(sizes{k});
    expected = x;
    if isempty(x) && isequal(size(x), [0 0]), expected = zeros(0, 1); end
    same_bits(['the size ' mat2str(sizes{k})], ag.evaluate('y = x', struct('x', x)).y, expected);
  end
  x = randn(1, 3);
  same_bits('a row is a vector', ag.evaluate('y = x', struct('x', x)).y, x');
  same_bits('a matrix of one row', ag.evaluate('y = x', struct('x', ag.tensor(x, size(x)))).y, x);
  shape = @(x) ag.post('inspect', 'y = x', struct('x', x)).inputs.x.shape;
  check('a number is a scalar', isempty(shape(5)), shape(5));
  check('a vector of one element', isequal(shape(ag.tensor(5, 1)), 1));
  near('rows stay rows', ag.evaluate('y = m[0]', struct('m', [1 3 5; 2 4 6])).y, [1; 3; 5]);
  near('a name with Greek letters', ag.evaluate('y = 2 * π', struct('π', 3)).y, 6);
  near('bool', ag.evaluate('y = ~x', struct('x', [true; false])).y, [false; true]);
  near('a bool', ag.evaluate('y = ~x', struct('x', true)).y, false);
  near('numbers take the dtype of the request', ag.evaluate('y = x', struct('x', 0.1), 'dtype', 'float32').y, ...
    single(0.1));
  near('an index', ag.evaluate('y = take(x, i)', struct('x', [5 6 7], 'i', int64([2 0]))).y, [7; 5]);
end

function errors(ag, proxy)
  refused('an unknown operator', ag, @() ag.evaluate(sprintf('a = x\ny = a // 2'), struct('x', 1)), 'code', ...
    'invalid_formula', ...
    'status', 400, 'pointer', '/graph', 'line', 2, 'column', 7, 'excerpt', sprintf('y = a // 2\n      ^'));
  refused('shapes', ag, @() ag.evaluate('y = a @ b', struct('a', ones(2, 3), 'b', ones(4, 5))), 'code', ...
    'shape_mismatch', 'status', 422);
  refused('a misspelt option', ag, @() ag.evaluate('y = x', struct('x', 1), 'wtr', {{'x'}}), 'code', ...
    'unknown_member', 'pointer', '/wtr');
  refused('an unknown endpoint', ag, @() ag.post('vjp', 'y = x', struct('x', 1)), 'status', 404, 'code', 'not_found');
  refused('a page instead of a problem', ag, @() through(proxy, 'page', 'p').evaluate('y = x', struct('x', 1)), ...
    'status', 502);
  fails('an error shows the place', @() ag.evaluate('y = a // 2', struct('a', 1)), sprintf('y = a // 2\n      ^'));
  fails('text is no tensor', @() ag.evaluate('y = x', struct('x', '1')), 'not char');
  fails('uint8 is no tensor', @() ag.evaluate('y = x', struct('x', uint8(1))), 'uint8');
  fails('complex numbers are no tensor', @() ag.evaluate('y = x', struct('x', [1i 2])), 'complex');
  fails('a shape of another size', @() ag.tensor([1 2], 3), 'does not hold 2');
  fails('no server', @() autograd('http://127.0.0.1:9').evaluate('y = x', struct('x', 1)), '127.0.0.1');
  evalc('ag.evaluate(''y = x'', struct(''x'', 1, ''z'', 2))');
  [text, identifier] = lastwarn();
  check('a warning', strcmp(identifier, 'autograd:unused_input') && ~isempty(strfind(text, '/inputs/z')), text);
end

function connections(ag, guarded, token, proxy)
  started = tic();
  y = through(proxy, 'busy', 'busy').evaluate('y = x + 1', struct('x', 1)).y;
  took = toc(started);
  check('503 twice, then an answer', y == 2 && took >= 2 && counts(proxy, 'busy').requests == 3, took);
  refused('503 for ever', ag, ...
    @() through(proxy, 'always-busy', 'always', 'retries', 3).evaluate('y = x', struct('x', 1)), ...
    'status', 503, 'code', 'overloaded');
  check('a bounded number of tries', counts(proxy, 'always').requests == 4, counts(proxy, 'always'));
  near('with a token', autograd(guarded, 'token', token).evaluate('y = x', struct('x', 1)).y, 1);
  refused('without a token', ag, @() autograd(guarded, 'token', '').evaluate('y = x', struct('x', 1)), 'status', ...
    401, 'code', 'unauthorized');
end

function solvers(ag)
  formula = 'f = 100 * (x[1] - x[0] ^ 2) ^ 2 + (1 - x[0]) ^ 2';
  [fun, v0, unflatten] = ag.objective(formula, struct('x', [-1.2 1]));
  [f, g, H] = fun(v0);
  near('value for a solver', f, 24.2, 1e-14);
  near('gradient for a solver', g, [-215.6; -88], 1e-13);
  near('Hessian for a solver', H, [1330 480; 480 200], 1e-13);
  best = fminunc(fun, v0, optimset('GradObj', 'on', 'TolX', 1e-10, 'TolFun', 1e-12));
  near('fminunc', best, [1; 1], 1e-4);
  near('unflatten', unflatten(best).x, best');

  m = [0.5 2 0.1; -1 3 0.7];
  v = [1; 2; 3];
  fun = ag.objective('y = sum(m ^ 3) * s + sum((m @ v) ^ 2)', struct('m', m, 's', 2), struct('v', v));
  [~, g, H] = fun([m(:); 2]);
  near('gradient of a matrix for a solver', g, [vec(6 * m .^ 2 + 2 * (m * v) * v'); sum(m(:) .^ 3)], 1e-13);
  expected = [diag(12 * m(:)) + 2 * kron(v * v', eye(2)), 3 * m(:) .^ 2; 3 * m(:)' .^ 2, 0];
  near('Hessian of a matrix for a solver', H, expected, 1e-13);
  [~, g] = fun([m(:); 2]);
  near('the same gradient without the Hessian', g, [vec(6 * m .^ 2 + 2 * (m * v) * v'); sum(m(:) .^ 3)], 1e-13);
  one = ag.objective(sprintf('r = x - t\nloss = sum(r ^ 2)\nreturn loss, r'), struct('x', [3 5]), ...
    struct('t', [1 1]), 'loss');
  near('one of several outputs', one([3; 5]), 20);
  tensors = struct('m', m, 's', 2);
  [v, unflatten] = ag.flatten(tensors);
  near('flatten', v, [m(:); 2]);
  check('unflatten', isequal(unflatten(v), tensors), unflatten(v));
  fails('a vector of another length', @() unflatten(v(2:end)), '7 elements');
  fails('a vector output cannot be minimised', @() ag.objective('y = x * 2', struct('x', [1 1]))([1; 1]), 'one scalar');
end

function registered_graphs(ag)
  name = sprintf('clients-octave-%d', getpid());
  info = ag.put(name, 'y = sum(k * x ^ 2)', 'description', 'a test', 'defaults', struct('k', 3), 'create', true);
  first = info.version;
  graph = ag.graph(name);
  near('evaluate by name', ag.evaluate(graph, struct('x', [1 2])).y, 15);
  near('gradients by name', ag.gradients(graph, struct('x', [1 2])).x, [6 12]);
  refused('it exists', ag, @() ag.put(name, 'y = x', 'create', true), 'status', 412, 'code', 'precondition_failed');
  check('the next version', ag.put(name, 'y = sum(x ^ 3)', 'if_match', first).version == first + 1);
  refused('it has changed', ag, @() ag.put(name, 'y = x', 'if_match', first), 'status', 412);
  near('the newest', ag.evaluate(graph, struct('x', [2 1])).y, 9);
  near('the old one', ag.evaluate(ag.graph(sprintf('%s@%d', name, first)), struct('x', [2 1])).y, 15);
  check('get', ag.get(name).version == first + 1);
  check('versions', isequal([ag.versions(name).version], [first, first + 1]));
  names = arrayfun(@(k) sprintf('%s.%d', name, k), 0:2, 'UniformOutput', false);
  for each = names, ag.put(each{1}, 'y = x'); end
  check('list by prefix', isequal(cellfun(@(g) g.name, ag.list([name '.']), 'UniformOutput', false), names));
  for each = names, ag.delete(each{1}); end
  ag.delete(name);
  refused('it is gone', ag, @() ag.get(name), 'status', 404);
end

global passed failed
passed = failed = 0;
addpath('clients/octave');
[address, guarded, token, proxy] = argv(){:};
rand('twister', 1);
randn('twister', 1);
ag = autograd(address);
derivatives(ag);
exact_numbers(ag);
errors(ag, proxy);
connections(ag, guarded, token, proxy);
solvers(ag);
[~, has_graphs] = urlread([address '/v1/graphs']);
if has_graphs
  registered_graphs(ag);
else
  printf('octave: the server has no registered graphs: they are not tested\n');
end
printf('octave: %d passed, %d failed\n', passed, failed);
clear ag
exit(failed > 0);

function ag = autograd(url, varargin)
% Values and exact derivatives of formulas, computed by an Autograd Server. For Octave 7 and MATLAB R2016b, and newer.
%
%   ag = autograd('http://localhost:8080');
%   [outputs, gradients] = ag.value_and_grad('y = sum(x ^ 2)', struct('x', [1 2 3]));
%   outputs.y      % 14
%   gradients.x    % 2 4 6
%
% ag = autograd(url, 'token', t, 'timeout', 60, 'retries', 4)
%   url, token: of the server; by default the environment's AUTOGRAD_URL and AUTOGRAD_TOKEN.
%   timeout: seconds for one try of a request; the server ends the work then, too.
%   retries: how often a request is sent again that the server had no time for (503, 429). Before each, the client waits
%     as long as the server says in Retry-After, but no longer than 30 seconds.
%
% A graph is a formula (text), a graph in the server's JSON form (a struct; nodes in a cell array), or ag.graph('fit'):
% a graph that is registered on the server under a name. Text is always a formula, so a name is never mistaken for one.
%
%   outputs = ag.evaluate(graph, inputs)                    a struct of arrays by name
%   gradients = ag.gradients(graph, inputs)                 of the sum of all outputs, each of the size of its input
%   [outputs, gradients] = ag.value_and_grad(graph, inputs)
%   jacobians = ag.jacobian(graph, inputs)                  jacobians.y.x has y's shape followed by x's
%   hessians = ag.hessian(graph, inputs)                    hessians.x.w, of the sum of all outputs
%   [outputs, tangents] = ag.jvp(graph, inputs, tangents)
%   products = ag.hvp(graph, inputs, vectors)
%   answer = ag.post(endpoint, graph, inputs)               any endpoint, the whole answer
%   [fun, v0, unflatten] = ag.objective(graph, start, fixed, of)
%     for fminunc and the like: [f, g, H] = fun(v). start varies; of is what to minimise, if there are more outputs.
%   [v, unflatten] = ag.flatten(tensors)                    a struct of arrays as a column, and back
%   ag.graph(name), ag.put(name, graph, ...), ag.get(name), ag.versions(name), ag.delete(name), ag.list(prefix)
%
% Behind their arguments, calls take the server's members by name: 'outputs', 'of', 'wrt', 'batch' (text or cell),
% 'cotangents' (a struct), 'per_example', 'dtype', 'diagnose'; 'stacked', true for jacobian and hessian as one matrix.
%
% Tensors. A 1x1 value is a scalar, of shape []. A row or a column is a vector, of shape [n]. Anything else has its
% size. ag.tensor(x, size(x)) keeps a matrix of one row, ag.tensor(5, 1) is a vector of one element. Vectors come back
% as columns, gradients in the size of their input. Doubles have no dtype: they take that of what they stand for,
% float64 by default; 17 digits are sent, so no bit is lost. single, int64, int32 and logical keep theirs. Rows and
% columns are rearranged on the way, because the server stores rows.
%
% What the server refuses is an error 'autograd:CODE'; ag.problem() then has code, status, detail, pointer and, in
% formulas, line, column and excerpt.
%
% Requests go through the program curl, because webwrite gives away the body of an answer that is an error.
  if nargin < 1 || isempty(url), url = default_of('AUTOGRAD_URL', 'http://127.0.0.1:8080'); end
  c = struct('token', getenv('AUTOGRAD_TOKEN'), 'timeout', 60, 'retries', 4);
  for k = 1:2:numel(varargin), c.(char(varargin{k})) = varargin{k + 1}; end
  c.url = regexprep(char(url), '/+$', '');
  ag.evaluate = @(graph, varargin) evaluate(c, graph, varargin{:});
  ag.gradients = @(graph, varargin) gradients_of(c, graph, varargin{:});
  ag.value_and_grad = @(graph, varargin) value_and_grad(c, graph, varargin{:});
  ag.jacobian = @(graph, varargin) matrix_of(c, 'jacobian', graph, varargin{:});
  ag.hessian = @(graph, varargin) matrix_of(c, 'hessian', graph, varargin{:});
  ag.jvp = @(graph, inputs, tangents, varargin) jvp(c, graph, inputs, tangents, varargin{:});
  ag.hvp = @(graph, inputs, vectors, varargin) hvp(c, graph, inputs, vectors, varargin{:});
  ag.post = @(endpoint, graph, varargin) post(c, endpoint, graph, varargin{:});
  ag.objective = @(graph, start, varargin) objective(c, graph, start, varargin{:});
  ag.flatten = @flatten;
  ag.tensor = @tensor;
  ag.graph = @(name) struct('registered_graph', char(name));
  ag.put = @(name, graph, varargin) put(c, name, graph, varargin{:});
  ag.get = @(name) send(c, 'GET', graph_path(name));
  ag.versions = @(name) getfield(send(c, 'GET', [graph_path(name) '/versions']), 'versions');
  ag.delete = @(name) send(c, 'DELETE', graph_path(name));
  ag.list = @(varargin) list_graphs(c, varargin{:});
  ag.problem = @() last_problem();
end

% ---- Calls ----

function outputs = evaluate(c, graph, varargin)
  answer = post(c, 'evaluate', graph, varargin{:}, 'gradients', false);
  outputs = answer.outputs;
end

function gradients = gradients_of(c, graph, varargin)
  [~, gradients] = value_and_grad(c, graph, varargin{:});
end

function [outputs, gradients] = value_and_grad(c, graph, varargin)
  answer = post(c, 'evaluate', graph, varargin{:});
  outputs = answer.outputs;
  gradients = answer.gradients;
end

function result = matrix_of(c, endpoint, graph, varargin)
  answer = post(c, endpoint, graph, varargin{:});
  if isfield(answer, endpoint), result = answer.(endpoint); else, result = answer.([endpoint 's']); end
end

function [outputs, tangents] = jvp(c, graph, inputs, tangents, varargin)
  answer = post(c, 'jvp', graph, inputs, 'tangents', tangents, varargin{:});
  outputs = answer.outputs;
  tangents = answer.tangents;
end

function products = hvp(c, graph, inputs, vectors, varargin)
  answer = post(c, 'hvp', graph, inputs, 'vectors', vectors, varargin{:});
  products = answer.products;
end

function answer = post(c, endpoint, graph, inputs, varargin)
  if nargin < 4, inputs = struct(); end
  members = {'inputs', inputs};
  path = ['/v1/' endpoint];
  if isstruct(graph) && isfield(graph, 'registered_graph')
    path = [graph_path(graph.registered_graph) '/' endpoint];
  else
    members = [{'graph', graph} members];
  end
  has_tensors = ~any(strcmp(endpoint, {'check', 'inspect'}));
  if has_tensors, members = [members {'encoding', 'base64'}]; end
  answer = send(c, 'POST', path, request_text([members varargin]));
  if has_tensors, answer = decoded_answer(answer, inputs); end
  if isfield(answer, 'warnings')
    for w = answer.warnings(:)', warning(['autograd:' w.code], '%s (at %s)', w.detail, w.pointer); end
  end
end

function [fun, v0, unflatten] = objective(c, graph, start, fixed, of)
  if nargin < 4, fixed = struct(); end
  members = {'wrt', fieldnames(start)'};
  if nargin > 4, members = [members {'of', of, 'outputs', of}]; end
  [v0, unflatten] = flatten(start);
  fun = @(v) objective_at(c, graph, start, fixed, members, v);
end

function [f, g, H] = objective_at(c, graph, start, fixed, members, v)
% Value, gradient and, if it is asked for, Hessian: one request.
  inputs = unflattened(start, v);
  for name = fieldnames(fixed)', inputs.(name{1}) = fixed.(name{1}); end
  if nargout > 2
    answer = post(c, 'hessian', graph, inputs, 'stacked', true, members{:});
    places = places_by_rows(start);
    g = answer.gradient(places);
    H = answer.hessian(places, places);
  elseif nargout > 1
    answer = post(c, 'evaluate', graph, inputs, members{:});
    parts = cellfun(@(name) answer.gradients.(name)(:), fieldnames(start), 'UniformOutput', false);
    g = vertcat(parts{:});
  else
    answer = post(c, 'evaluate', graph, inputs, 'gradients', false, members{3:end});
  end
  values = struct2cell(answer.outputs);
  if numel(values) ~= 1 || ~isscalar(values{1}), error('autograd:objective', 'one scalar output is expected'); end
  f = values{1};
end

function [v, unflatten] = flatten(tensors)
  parts = cellfun(@(x) double(x(:)), struct2cell(tensors), 'UniformOutput', false);
  v = vertcat(parts{:});
  unflatten = @(v) unflattened(tensors, v);
end

function inputs = unflattened(start, v)
  count = sum(structfun(@numel, start));
  if numel(v) ~= count, error('autograd:objective', '%d elements are expected, got %d', count, numel(v)); end
  inputs = start;
  done = 0;
  for name = fieldnames(start)'
    count = numel(start.(name{1}));
    inputs.(name{1}) = reshape(v(done + 1:done + count), size(start.(name{1})));
    done = done + count;
  end
end

function places = places_by_rows(start)
% Where each element of the vector v stands in the server's order.
  places = zeros(0, 1);
  for part = struct2cell(start)'
    x = reshape(1:numel(part{1}), size(part{1}));
    inner = zeros(numel(x), 1);
    inner(by_rows(x)) = 1:numel(x);
    places = [places; numel(places) + inner]; %#ok<AGROW>
  end
end

% ---- Registered graphs ----

function info = put(c, name, graph, varargin)
% Further: 'description' (text), 'defaults' (a struct), 'if_match' (a version: replaces only that), 'create' (true: only
% if there is no such graph).
  headers = {};
  members = {'graph', graph};
  for k = 1:2:numel(varargin)
    switch varargin{k}
      case 'if_match', headers{end + 1} = sprintf('If-Match: \\"%d\\"', varargin{k + 1}); %#ok<AGROW>
      case 'create', if varargin{k + 1}, headers{end + 1} = 'If-None-Match: *'; end %#ok<AGROW>
      otherwise, members = [members varargin(k:k + 1)]; %#ok<AGROW>
    end
  end
  info = send(c, 'PUT', graph_path(name), request_text(members), headers);
end

function graphs = list_graphs(c, prefix)
% A cell array of structs.
  if nargin < 2, prefix = ''; end
  graphs = {};
  after = '';
  while true
    path = '/v1/graphs?limit=1000';
    if ~isempty(prefix), path = [path '&prefix=' percent(prefix)]; end
    if ~isempty(after), path = [path '&after=' percent(after)]; end
    page = send(c, 'GET', path);
    if iscell(page.graphs), graphs = [graphs page.graphs(:)']; else, graphs = [graphs num2cell(page.graphs(:)')]; end
    after = page.next;
    if isempty(after), return; end
  end
end

function path = graph_path(name)
  path = ['/v1/graphs/' strrep(percent(char(name)), '%40', '@')];
end

function text = percent(text)
  bytes = unicode2native(text, 'UTF-8');
  is_plain = ismember(bytes, uint8(['A':'Z' 'a':'z' '0':'9' '-._~']));
  parts = arrayfun(@(b) sprintf('%%%02X', b), bytes, 'UniformOutput', false);
  parts(is_plain) = cellstr(char(bytes(is_plain))')';
  text = [parts{:}];
end

% ---- Requests as JSON ----

function text = request_text(members)
  parts = {};
  for k = 1:2:numel(members)
    [name, value] = deal(char(members{k}), members{k + 1});
    if any(strcmp(name, {'inputs', 'cotangents', 'tangents', 'vectors', 'defaults'}))
      fields = cellfun(@(f) ['"' f '":' tensor_text(value.(f), f)], fieldnames(value)', 'UniformOutput', false);
      written = ['{' joined(fields) '}'];
    elseif any(strcmp(name, {'outputs', 'of', 'wrt', 'batch'}))
      written = json(cellstr(value));
    else
      written = json(value);
    end
    parts{end + 1} = ['"' name '":' written]; %#ok<AGROW>
  end
  text = ['{' joined(parts) '}'];
end

function text = json(x)
  if isstruct(x) && isfield(x, 'autograd_tensor')
    text = x.autograd_tensor;
  elseif iscell(x)
    text = ['[' joined(cellfun(@json, x(:)', 'UniformOutput', false)) ']'];
  elseif isstruct(x) && isscalar(x)
    fields = cellfun(@(f) ['"' f '":' json(x.(f))], fieldnames(x)', 'UniformOutput', false);
    text = ['{' joined(fields) '}'];
  elseif isstruct(x)
    text = json(num2cell(x));
  elseif ischar(x) || isa(x, 'string')
    text = jsonencode(char(x));
  elseif isscalar(x)
    text = numbers(x);
  elseif isvector(x) || isempty(x)
    text = ['[' numbers(x) ']'];
  else
    text = tensor_text(x, 'a constant');
  end
end

function text = tensor_text(x, name)
  if isstruct(x) && isfield(x, 'autograd_tensor')
    text = x.autograd_tensor;
  elseif ~isnumeric(x) && ~islogical(x)
    error('autograd:tensor', '%s: numbers or logicals are expected, not %s', name, class(x));
  elseif isscalar(x) && ismember(class(x), {'double', 'logical'})
    text = numbers(x);
  else
    shape = size(x);
    if isscalar(x), shape = []; elseif isvector(x) || isequal(shape, [0 0]), shape = numel(x); end
    text = json(tensor(x, shape));
  end
end

function t = tensor(x, shape, dtype)
% A tensor of a certain shape, such as 5 or [1 3], and perhaps of a certain dtype, such as 'int64'.
  if ~isreal(x), error('autograd:tensor', 'a tensor cannot be complex'); end
  if prod(shape) ~= numel(x)
    error('autograd:tensor', 'the shape [%s] does not hold %d elements', strtrim(sprintf('%d ', shape)), numel(x));
  end
  if nargin < 3
    names = struct('double', '', 'single', 'float32', 'int64', 'int64', 'int32', 'int32', 'logical', 'bool');
    if ~isfield(names, class(x)), error('autograd:tensor', 'no dtype of the server is like %s', class(x)); end
    dtype = names.(class(x));
  end
  head = '{';
  if ~isempty(dtype), head = ['{"dtype":"' dtype '",']; end
  text = [head '"shape":[' joined_numbers('%d,', shape) '],"data":[' numbers(by_rows(full(x))) ']}'];
  t = struct('autograd_tensor', text);
end

function text = numbers(x)
% The elements, separated by commas, exactly.
  if islogical(x)
    words = {'false', 'true'};
    text = joined(words(x(:)' + 1));
  elseif isinteger(x)
    text = joined_numbers('%d,', x);
  else
    text = joined_numbers('%.17g,', double(x));
    if ~all(isfinite(x(:)))
      text = regexprep(text, '(-?Inf)', '"$1inity"');
      text = strrep(text, 'NaN', '"NaN"');
    end
  end
end

function text = joined_numbers(format, x)
  text = sprintf(format, x);
  if isempty(x), text = ''; else, text = text(1:end - 1); end
end

function text = joined(parts)
  text = sprintf('%s,', parts{:});
  if isempty(parts), text = ''; else, text = text(1:end - 1); end
end

function x = by_rows(x)
% The elements in the order in which the server has them.
  x = permute(x, ndims(x):-1:1);
  x = x(:);
end

% ---- Answers ----

function answer = decoded_answer(answer, inputs)
  for name = intersect(fieldnames(answer)', {'outputs', 'tangents', 'gradients', 'products'})
    tensors = structfun(@decoded, answer.(name{1}), 'UniformOutput', false);
    if any(strcmp(name{1}, {'gradients', 'products'}))  % rows stay rows
      for input = fieldnames(tensors)'
        if isfield(inputs, input{1}) && ~isstruct(inputs.(input{1}))
          tensors.(input{1}) = reshape(tensors.(input{1}), size(inputs.(input{1})));
        end
      end
    end
    answer.(name{1}) = tensors;
  end
  for name = intersect(fieldnames(answer)', {'jacobians', 'hessians'})
    by_two_names = @(table) structfun(@decoded, table, 'UniformOutput', false);
    answer.(name{1}) = structfun(by_two_names, answer.(name{1}), 'UniformOutput', false);
  end
  for name = intersect(fieldnames(answer)', {'jacobian', 'hessian', 'gradient'})
    answer.(name{1}) = decoded(answer.(name{1}));
  end
end

function x = decoded(t)
  bytes = uint8([]);
  if ~isempty(t.data), bytes = uint8(matlab.net.base64decode(t.data)); end
  types = struct('float64', 'double', 'float32', 'single', 'int64', 'int64', 'int32', 'int32', 'bool', 'uint8');
  x = typecast(bytes(:), types.(t.dtype));
  [~, ~, order] = computer();
  if order == 'B', x = swapbytes(x); end
  if strcmp(t.dtype, 'bool'), x = x ~= 0; end
  shape = t.shape(:)';
  if numel(shape) > 1
    x = permute(reshape(x, fliplr(shape)), numel(shape):-1:1);
  else
    x = reshape(x, [shape ones(1, 2 - numel(shape))]);
  end
end

% ---- HTTP ----

function answer = send(c, method, path, body, headers)
  if nargin < 5, headers = {}; end
  if nargin < 4, body = ''; end
  for tries_left = c.retries:-1:0
    [status, text, after] = exchange(c, method, path, body, headers);
    if ~any(status == [429 503]) || tries_left == 0, break; end
    % A little more than asked for, at random, so that many clients do not come back at the same moment.
    pause(min(after, 30) + 0.1 * rand());
  end
  answer = struct();
  if status >= 400
    raise(status, text);
  elseif ~isempty(text)
    answer = jsondecode(text);
  end
end

function raise(status, text)
  problem = struct('code', sprintf('status_%d', status), 'status', status, 'detail', sprintf('HTTP status %d', status));
  try
    members = jsondecode(text);
    for name = fieldnames(members)', problem.(name{1}) = members.(name{1}); end
  catch
    % Not from this server: a proxy's page, perhaps.
  end
  last_problem(problem);
  message = sprintf('%s (%s)', problem.detail, problem.code);
  if isfield(problem, 'pointer') && ~isempty(problem.pointer)
    message = sprintf('%s (%s at %s)', problem.detail, problem.code, problem.pointer);
  end
  if isfield(problem, 'excerpt'), message = sprintf('%s\n%s', message, problem.excerpt); end
  error(struct('message', message, 'identifier', ['autograd:' problem.code]));
end

function problem = last_problem(new)
  persistent last
  if nargin, last = new; end
  problem = last;
end

function [status, text, after] = exchange(c, method, path, body, headers)
% One request. What curl needs, the token too, is in files of a folder that only this user can read.
  folder = private_folder();
  cleanup = onCleanup(@() remove_folder(folder));
  file = @(name) [strrep(folder, '\', '/') '/' name];
  lines = {['url = "' c.url path '"'], ['request = ' method], 'silent', 'show-error', 'globoff', 'stderr = "-"', ...
    'header = "Accept: application/json"', 'header = "Expect:"', sprintf('max-time = %g', c.timeout), ...
    sprintf('header = "Request-Timeout: %.3f"', c.timeout), 'write-out = "%{http_code}"', ...
    ['output = "' file('answer') '"'], ['dump-header = "' file('headers') '"']};
  if ~isempty(c.token), lines{end + 1} = ['header = "Authorization: Bearer ' c.token '"']; end
  for h = headers, lines{end + 1} = ['header = "' h{1} '"']; end %#ok<AGROW>
  if ~isempty(body)
    write_file(file('request'), body);
    lines = [lines {'header = "Content-Type: application/json"', ['data-binary = "@' file('request') '"']}];
  end
  write_file(file('curl'), sprintf('%s\n', lines{:}));
  write_file(file('answer'), '');
  [failed, out] = system(['curl --disable --config "' file('curl') '"']);
  if failed, error('autograd:connection', '%s: %s', c.url, strtrim(out)); end
  status = str2double(out(end - 2:end));
  text = fileread(file('answer'));
  after = regexp(fileread(file('headers')), '(?i)retry-after:\s*(\d+)', 'tokens', 'once');
  if isempty(after), after = 1; else, after = str2double(after{1}); end
end

function write_file(path, text)
  id = fopen(path, 'w', 'n', 'UTF-8');
  fwrite(id, text, 'char');
  fclose(id);
end

function folder = private_folder()
  folder = tempname();
  if exist('OCTAVE_VERSION', 'builtin')
    mask = umask(77);  % the digits are octal
    mkdir(folder);
    umask(mask);
  else
    mkdir(folder);
    if isunix(), fileattrib(folder, '-r -w -x', 'g o'); end
  end
end

function remove_folder(folder)
  for name = {'request', 'answer', 'headers', 'curl'}
    if exist(fullfile(folder, name{1}), 'file'), delete(fullfile(folder, name{1})); end
  end
  rmdir(folder);
end

function value = default_of(variable, value)
  if ~isempty(getenv(variable)), value = getenv(variable); end
end

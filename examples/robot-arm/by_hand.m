% The tip of arm.m and its Jacobian without the client: one node for each operation, posted with curl.

1;

% --- the graph and its derivative: begin ---
function [tip, J] = tip_and_jacobian_by_hand(q, lengths)
  node = @(op, inputs, output) struct('op', op, 'inputs', {inputs}, 'outputs', {{output}});
  turns = node('cumsum', {'q'}, 'a');
  turns.attributes = struct('axis', 0);
  graph.nodes = { ...
    turns, ...
    node('cos', {'a'}, 'c'), ...
    node('mul', {'l', 'c'}, 'lc'), ...
    node('sum', {'lc'}, 'x'), ...
    node('sin', {'a'}, 's'), ...
    node('mul', {'l', 's'}, 'ls'), ...
    node('sum', {'ls'}, 'y'), ...
    node('stack', {'x', 'y'}, 'tip')};
  request.graph = graph;
  request.inputs = struct('q', q, 'l', lengths);
  request.wrt = {'q'};
  request.encoding = 'values';
  url = getenv('AUTOGRAD_URL');
  if isempty(url), url = 'http://127.0.0.1:8080'; end
  file = tempname();
  id = fopen(file, 'w');
  fputs(id, jsonencode(request));
  fclose(id);
  [status, text] = system(['curl -s ' url '/v1/jacobian --data-binary @' file]);
  delete(file);
  answer = jsondecode(text);
  if isfield(answer, 'detail'), error(answer.detail); end
  tip = answer.outputs.tip;
  J = answer.jacobians.tip.q;
end
% --- end ---

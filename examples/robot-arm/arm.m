% A robot arm of four joints follows a circle with its tip: which angles bring it there?
% octave-cli arm.m, from this folder; AUTOGRAD_URL is the server's address. Ends with 1 if something is wrong.

addpath('../../clients/octave');
ag = autograd();
lengths = [1; 0.8; 0.6; 0.4];

% --- the graph and its derivative: begin ---
arm = 'a = cumsum(q, axis=0); tip = stack(sum(l * cos(a)), sum(l * sin(a)))';
function [tip, J] = tip_and_jacobian(ag, arm, q, lengths)
  answer = ag.post('jacobian', arm, struct('q', q, 'l', lengths), 'wrt', 'q');
  tip = answer.outputs.tip;
  J = answer.jacobians.tip.q;
end
% --- end ---

run('by_hand.m');  % the same function without the client
q = [0.3; 0.4; 0.5; 0.6];
worst = struct('distance', 0, 'jacobian', 0, 'by_hand', 0);
steps = 0;
for turn = linspace(0, 2 * pi, 13)
  target = [1.2; 0.7] + 0.5 * [cos(turn); sin(turn)];
  % Gauss-Newton: the smallest change of the angles that closes the gap, as far as the arm is straight.
  for step = 1:20
    [tip, J] = tip_and_jacobian(ag, arm, q, lengths);
    steps = steps + 1;
    if norm(tip - target) < 1e-12, break; end
    q = q + pinv(J) * (target - tip);
  end
  % The derivative of the tip by joint k turns all that is beyond it.
  a = cumsum(q);
  beyond = @(terms) flipud(cumsum(flipud(terms)));
  closed = [-beyond(lengths .* sin(a))'; beyond(lengths .* cos(a))'];
  [tip_by_hand, J_by_hand] = tip_and_jacobian_by_hand(q, lengths);
  worst.distance = max(worst.distance, norm(tip - target));
  worst.jacobian = max(worst.jacobian, max(abs(J(:) - closed(:))));
  worst.by_hand = max(worst.by_hand, max(abs([tip - tip_by_hand; J(:) - J_by_hand(:)])));
  printf('target (%7.4f, %7.4f)   angles%8.4f%8.4f%8.4f%8.4f   steps %d\n', target, q, step - 1);
end

printf('\n%d requests; the tip is at most %.1e from its target\n', steps, worst.distance);
printf('Jacobian: %.1e from the closed form, %.1e from that by hand\n', worst.jacobian, worst.by_hand);
failed = worst.distance > 1e-12 || worst.jacobian > 1e-14 || worst.by_hand > 1e-14;
if failed, disp('wrong'); else, disp('all agree'); end
exit(failed);

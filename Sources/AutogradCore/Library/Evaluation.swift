/// Variables that hold data, and `y.backward()`, as in the tutorial.
extension GraphBuilder {
  /// An input that comes with its data.
  public func variable(_ tensor: Tensor, _ name: String = "") -> Value {
    let value = input(name, tensor.dtype, tensor.shape)
    boundTensors[value.id] = tensor
    return value
  }
}

/// Gradients by variable.
public struct Gradients {
  private let tensors: [Value: Tensor]

  init(_ tensors: [Value: Tensor]) { self.tensors = tensors }

  /// The gradient with respect to a variable; zeros if nothing depends on it.
  /// - Precondition: the value is a floating variable or input. For others see
  ///   ``Value/gradient(withRespectTo:cotangent:)``.
  public subscript(_ variable: Value) -> Tensor {
    guard let gradient = tensors[variable] else {
      preconditionFailure("backward() gives gradients of floating variables only")
    }
    return gradient
  }
}

extension Value {
  /// The value's tensor.
  /// - Throws: the first error in the formula; `input_mismatch` if the graph has an input without data.
  public func evaluate() throws(GraphError) -> Tensor {
    try builder.run(outputs: [self])[0]
  }

  /// The gradients of this value with respect to every floating variable, seeded with `cotangent`, by default ones: of
  /// the sum of its elements.
  /// - Throws: as ``evaluate()``; `shape_mismatch` if the cotangent's type differs from this value's, `dtype_mismatch`
  ///   if this value is of integers or bool.
  public func backward(_ cotangent: Tensor? = nil) throws(GraphError) -> Gradients {
    if let error = builder.firstError ?? lackOfGradient { throw error }
    if let cotangent, cotangent.type != type {
      throw GraphError(.shapeMismatch, "the cotangent is \(cotangent.type), the value is \(type)")
    }
    let variables = builder.columns.inputs.map(builder.value).filter { $0.dtype.isFloating }
    let gradients = gradients(withRespectTo: variables, cotangent: cotangent.map { builder.constant($0) })
    let tensors = try builder.run(outputs: gradients)
    return Gradients(Dictionary(zip(variables, tensors)) { first, _ in first })
  }
}

extension GraphBuilder {
  /// Plans and runs for the given outputs, on the data of the variables.
  func run(outputs: [Value]) throws(GraphError) -> [Tensor] {
    let graph = try graph(outputs: outputs)
    var inputs: [Tensor] = []
    for (index, value) in columns.inputs.enumerated() {
      guard let tensor = boundTensors[value] else {
        let name = columns.inputNames[index]
        throw GraphError(
          .inputMismatch,
          "input \(name.isEmpty ? "\(index)" : name) has no data; make it with variable(_:), or run a Plan")
      }
      inputs.append(tensor)
    }
    return try Plan(graph).run(inputs)
  }
}

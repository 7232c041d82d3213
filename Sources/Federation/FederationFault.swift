/// What is wrong with what a cluster was told of its federation.
package struct FederationFault: Error, Equatable, CustomStringConvertible {
    package var description: String

    package init(_ description: String) { self.description = description }
}

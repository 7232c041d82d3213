/// The codes of refused input (contract A8).
package enum ValidationCode: String, Hashable, Sendable, CaseIterable {
    case invalidDateFormat = "InvalidDateFormat"
    case invalidFormat = "InvalidFormat"
    case invalidReference = "InvalidReference"
    case notNullable = "NotNullable"
    case notUnique = "NotUnique"
    case minLimitExceeded = "MinLimitExceeded"
    case maxLimitExceeded = "MaxLimitExceeded"
    case minLengthExceeded = "MinLengthExceeded"
    case maxLengthExceeded = "MaxLengthExceeded"
    case invalidOption = "InvalidOption"
    case invalidCharacters = "InvalidCharacters"
    case missingRequired = "MissingRequired"
    case invalidAction = "InvalidAction"
    case actionNotAvailable = "ActionNotAvailable"
    case invalidState = "InvalidState"
    case portWrongFormat = "PortWrongFormat"
    case portInvalidPrivatePort = "PortInvalidPrivatePort"
    case portInvalidPublicPort = "PortInvalidPublicPort"
    case portInvalidProtocol = "PortInvalidProtocol"
    /// Something the contract knows and Drover does not do yet.
    case notSupported = "NotSupported"

    package init(_ error: PortSpecError) {
        switch error {
        case .wrongFormat: self = .portWrongFormat
        case .invalidPrivatePort: self = .portInvalidPrivatePort
        case .invalidPublicPort: self = .portInvalidPublicPort
        case .invalidProtocol: self = .portInvalidProtocol
        }
    }
}

/// Why a body was refused: the first thing that is wrong with it.
package struct ValidationProblem: Error, Hashable, Sendable {
    package var code: ValidationCode
    /// The field's own name, also when it stands inside another object.
    package var fieldName: String?
    /// What is wrong and what would be right, in words.
    package var message: String?

    package init(_ code: ValidationCode, _ fieldName: String?, _ message: String? = nil) {
        self.code = code
        self.fieldName = fieldName
        self.message = message
    }

    /// The HTTP status: all of these are unprocessable content.
    package var status: Int { 422 }
}

package lifecycle

// NoRoomError says that the file system of a place, which has the build's files,
// is full. That another one is full, such as that of a cache or of the app image,
// is another error.
type NoRoomError struct{ Err error }

// Error implements error.
func (e *NoRoomError) Error() string { return e.Err.Error() }

// Unwrap returns what failed for lack of room.
func (e *NoRoomError) Unwrap() error { return e.Err }

package report

import "encoding/json"

// Orders say what an attack looks for.
type Orders struct {
	// Secrets are what nobody may find, in hexadecimal digits so that the orders
	// themselves are no find.
	Secrets []string
	// Places are looked at with all that is below them, "/" alone if there are
	// none. The entries of the root cannot be listed everywhere.
	Places []string
	// Beside tells that phases are processes beside those of others, who can see
	// each other's arguments. Otherwise nobody else is to be seen at all.
	Beside bool
	// Shared are directories in which phases find what earlier ones have left.
	Shared []string
	// Linger leaves a process behind that goes on looking after the phase, known
	// by this word among its arguments; "" leaves none.
	Linger string
}

// String returns the orders as an attack takes them.
func (o Orders) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // texts only
	}
	return string(text)
}

// Attack is what an attack of one phase came to.
type Attack struct {
	Phase string
	// Findings are secrets, and ways to something that is not the phase's.
	Findings []Finding
	// Tried tells of each way what became of it.
	Tried map[string]Tried
}

// Tried says how one way was tried.
type Tried struct {
	// Looked counts what was looked at.
	Looked int
	// Control says whether this way led to what the attack had hidden itself:
	// Found, or the name of the error with which the kernel closes the way for
	// everybody.
	Control string
}

// Found is the control of a way that works.
const Found = "found"

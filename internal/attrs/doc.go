// Package attrs reads what users write as type=local,dest=/cache,tag=main: one
// CSV record of attributes, whose meaning is told by the tags of a struct.
//
// The same tags describe the attributes to people, so what is parsed, what the
// help says and what the documentation lists cannot differ:
//
//	attr:"dest"        its name; fields without this tag are no attributes
//	only:"export"      the use that it belongs to; without, every use
//	required:"true"    it has to be given
//	default:"latest"   its value if it is not given
//	env:"AWS_BUCKET"   the variable that has its value if it is not given
//	values:"min max"   all values that there are
//	form:"image"       what a value looks like, for people
//	help:"…"           what it means, for people
//
// Fields are of type string, bool, int, *int, time.Duration or redact.Secret, or
// implement encoding.TextUnmarshaler.
//
// What it is not for: knowing any particular attribute.
package attrs

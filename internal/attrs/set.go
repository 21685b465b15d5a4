package attrs

import (
	"encoding"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pack-cache/pack-cache/internal/hint"
)

// Lookup finds a variable of the environment, as os.LookupEnv does.
type Lookup func(name string) (value string, ok bool)

// Set fills targets, pointers to structs, with what pairs say for a use. What
// they leave out comes from the environment, or is the default. The error is an
// *hint.UsageError, or that of a field's UnmarshalText.
func Set(pairs []Pair, use string, env Lookup, targets ...any) error {
	var all []Attribute
	given := map[string]bool{}
	for _, target := range targets {
		all = append(all, Describe(target)...)
	}
	for _, pair := range pairs {
		if err := check(pair.Name, use, all); err != nil {
			return err
		}
		if given[pair.Name] {
			return hint.Usagef("give it once", "attribute %s is given twice", pair.Name)
		}
		given[pair.Name] = true
	}
	for _, target := range targets {
		for _, a := range Describe(target) {
			if err := a.set(pairs, use, env, target); err != nil {
				return err
			}
		}
	}
	return nil
}

// check refuses an attribute that there is not, or not for this use.
func check(name, use string, all []Attribute) error {
	var valid []string
	for _, a := range all {
		if a.Usable(use) {
			valid = append(valid, a.Name)
		}
	}
	if slices.Contains(valid, name) {
		return nil
	}
	known := "valid are: " + strings.Join(valid, ", ")
	for _, a := range all {
		if a.Name == name {
			return hint.Usagef(a.counterpart(use, all)+known, "attribute %s is for %s only", name, a.Only)
		}
	}
	return hint.Usagef(DidYouMean(name, valid)+known, "unknown attribute %q", name)
}

// counterpart suggests, for the beginning of a hint, what a use requires where
// another use requires a. It is empty if a is not required there, either.
func (a Attribute) counterpart(use string, all []Attribute) string {
	for _, other := range all {
		if a.Required && other.Required && other.Only == use {
			return "did you mean " + other.Name + "? "
		}
	}
	return ""
}

// set gives the attribute's field its value.
func (a Attribute) set(pairs []Pair, use string, env Lookup, target any) error {
	field := reflect.ValueOf(target).Elem().Field(a.field)
	if at := slices.IndexFunc(pairs, func(p Pair) bool { return p.Name == a.Name }); at >= 0 {
		if a.Required && pairs[at].Value == "" {
			return hint.Usagef("write "+a.Name+"="+strings.ToUpper(a.Form), "attribute %s is empty", a.Name)
		}
		return a.parse(field, pairs[at].Value, "attribute "+a.Name)
	}
	if value, ok := lookup(env, a.Env); ok && a.Usable(use) {
		return a.parse(field, value, "attribute "+a.Name+", from variable "+a.Env)
	}
	if a.Required && a.Usable(use) {
		way := "add " + a.Name + "=" + strings.ToUpper(a.Form)
		if a.Env != "" {
			way += ", or set " + a.Env
		}
		return hint.Usagef(way, "attribute %s is missing", a.Name)
	}
	if a.Default == "" {
		return nil
	}
	return a.parse(field, a.Default, "default of "+a.Name)
}

func lookup(env Lookup, name string) (string, bool) {
	if env == nil || name == "" {
		return "", false
	}
	value, ok := env(name)
	return value, ok && value != ""
}

// parse enters a value into a field. what names the attribute for the user.
func (a Attribute) parse(field reflect.Value, value, what string) error {
	if len(a.Values) > 0 && !slices.Contains(a.Values, value) {
		return hint.Usagef(DidYouMean(value, a.Values)+"valid are: "+strings.Join(a.Values, ", "), "%s: there is no %q", what, value)
	}
	target := field
	if field.Kind() == reflect.Pointer {
		target = reflect.New(field.Type().Elem()).Elem()
	}
	var err error
	switch text, ok := target.Addr().Interface().(encoding.TextUnmarshaler); {
	case ok:
		return text.UnmarshalText([]byte(value))
	case target.Type() == durationType:
		var d time.Duration
		if d, err = time.ParseDuration(value); err != nil || d < 0 {
			return hint.Usagef("write a number with a unit, such as 90s, 5m or 1h30m", "%s: %q is not a duration", what, value)
		}
		target.SetInt(int64(d))
	case target.Kind() == reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(value); err != nil {
			return hint.Usagef(DidYouMean(strings.ToLower(value), booleans)+"write true or false", "%s: %q is not true or false", what, value)
		}
		target.SetBool(b)
	case target.Kind() == reflect.Int:
		var n int64
		if n, err = strconv.ParseInt(value, 10, strconv.IntSize); err != nil {
			reason := "not a whole number"
			if errors.Is(err, strconv.ErrRange) {
				reason = "out of range"
			}
			return hint.Usagef("write a whole number", "%s: %q is %s", what, value, reason)
		}
		target.SetInt(n)
	default:
		target.SetString(value)
	}
	if field.Kind() == reflect.Pointer {
		field.Set(target.Addr())
	}
	return nil
}

var booleans = []string{"true", "false"}

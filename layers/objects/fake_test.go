package objects

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// fakeService is a service in memory.
type fakeService struct {
	// conditions is what becomes of them: obeyed, ignored or refused.
	conditions string
	// frozen are objects that do not become younger.
	frozen bool
	// refuses is the status that objects are not copied with; 0 if they are.
	refuses int

	mu      sync.Mutex
	objects map[string]fakeObject
	// puts, copies and aborts count; copied are the keys that were copied onto
	// themselves.
	puts, aborts int
	copied       []string
	// flying is how many bytes of parts are under way, most is the largest that it
	// was.
	flying, most int
}

type fakeObject struct {
	content []byte
	info    Info
}

func newFake() *fakeService {
	return &fakeService{conditions: "obeyed", objects: map[string]fakeObject{}}
}

func (f *fakeService) store(key, contentType string, content []byte) {
	f.objects[key] = fakeObject{bytes.Clone(content), Info{
		Size: int64(len(content)), Tag: fmt.Sprintf("%q", key+time.Now().String()), ContentType: contentType, Modified: time.Now(),
	}}
}

// age makes all objects older.
func (f *fakeService) age(by time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for key, o := range f.objects {
		o.info.Modified = o.info.Modified.Add(-by)
		f.objects[key] = o
	}
}

func (f *fakeService) find(ctx context.Context, key string) (fakeObject, error) {
	if err := ctx.Err(); err != nil {
		return fakeObject{}, &Error{Cause: err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	o, ok := f.objects[key]
	if !ok {
		return fakeObject{}, &Error{Status: http.StatusNotFound, Code: "NoSuchKey"}
	}
	return o, nil
}

func (f *fakeService) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, Info, error) {
	o, err := f.find(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	if offset > 0 && offset >= o.info.Size {
		return nil, Info{}, &Error{Status: http.StatusRequestedRangeNotSatisfiable}
	}
	content := o.content[offset:]
	if length >= 0 {
		content = content[:min(length, int64(len(content)))]
	}
	return io.NopCloser(&untilEnded{ctx, bytes.NewReader(content)}), o.info, nil
}

// untilEnded is the body of an answer, which breaks off with its context.
type untilEnded struct {
	ctx context.Context
	io.Reader
}

func (r *untilEnded) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

func (f *fakeService) Head(ctx context.Context, key string) (Info, error) {
	o, err := f.find(ctx, key)
	return o.info, err
}

func (f *fakeService) List(ctx context.Context, prefix string, each func(string, Info)) error {
	f.mu.Lock()
	all := map[string]Info{}
	for key, o := range f.objects {
		if strings.HasPrefix(key, prefix) {
			all[key] = o.info
		}
	}
	f.mu.Unlock()
	for key, info := range all {
		each(key, info)
	}
	return ctx.Err()
}

func (f *fakeService) Put(ctx context.Context, key, contentType string, content []byte, only Condition) error {
	if err := ctx.Err(); err != nil {
		return &Error{Cause: err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.puts++
	if only != (Condition{}) && f.conditions == "refused" {
		return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented"}
	}
	now, there := f.objects[key]
	if f.conditions == "obeyed" && (only.Absent && there || only.Tag != "" && now.info.Tag != only.Tag) {
		return &Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed"}
	}
	f.store(key, contentType, content)
	return nil
}

func (f *fakeService) Copy(ctx context.Context, from, to string, _ Info) error {
	o, err := f.find(ctx, from)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if from == to {
		f.copied = append(f.copied, to)
	}
	if f.refuses != 0 {
		return &Error{Status: f.refuses}
	}
	if from != to || !f.frozen {
		f.store(to, o.info.ContentType, o.content)
	}
	return nil
}

func (f *fakeService) Delete(ctx context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, key)
	return ctx.Err()
}

func (f *fakeService) Begin(ctx context.Context, key string) (Upload, error) {
	if err := ctx.Err(); err != nil {
		return nil, &Error{Cause: err}
	}
	return &fakeUpload{of: f, key: key, parts: map[int][]byte{}}, nil
}

type fakeUpload struct {
	of    *fakeService
	key   string
	mu    sync.Mutex
	parts map[int][]byte
}

func (u *fakeUpload) Part(ctx context.Context, number int, content []byte) error {
	u.of.mu.Lock()
	u.of.flying += len(content)
	u.of.most = max(u.of.most, u.of.flying)
	u.of.mu.Unlock()
	time.Sleep(time.Millisecond)
	u.of.mu.Lock()
	u.of.flying -= len(content)
	u.of.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts[number] = bytes.Clone(content)
	if err := ctx.Err(); err != nil {
		return &Error{Cause: err}
	}
	return nil
}

func (u *fakeUpload) Complete(ctx context.Context, count int) error {
	if err := ctx.Err(); err != nil {
		return &Error{Cause: err}
	}
	var whole []byte
	for number := range count {
		whole = append(whole, u.parts[number+1]...)
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	u.of.store(u.key, "application/octet-stream", whole)
	return nil
}

func (u *fakeUpload) Abort(context.Context) error {
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	u.of.aborts++
	return nil
}

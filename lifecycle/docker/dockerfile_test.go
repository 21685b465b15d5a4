package docker

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOnBase(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dockerfile, want string
		files            bool
		fails            string
	}{
		"as specified": {
			dockerfile: "ARG base_image\nFROM ${base_image}\nRUN echo\n",
			want:       "ARG base_image\nFROM b\nLABEL l\nRUN echo\n",
		},
		"continued": {
			dockerfile: "# escape=`\nFROM --platform=x `\n  other `\n  AS here\nCOPY a b",
			want:       "# escape=`\nFROM b\nLABEL l\nCOPY a b", files: true,
		},
		"without an end":     {dockerfile: "FROM other", want: "FROM b\nLABEL l\n"},
		"two stages":         {dockerfile: "FROM a\nFROM b\n", fails: "line 2: a second FROM"},
		"no stage":           {dockerfile: "ARG a\n", fails: "no FROM"},
		"of another image":   {dockerfile: "FROM a\nCOPY --from=other a b\n", fails: "line 2: COPY --from is not supported"},
		"in capitals":        {dockerfile: "FROM a\ncopy --FROM=other a b\n", fails: "line 2: COPY --from is not supported"},
		"a secret":           {dockerfile: "FROM a\nRUN --mount=type=secret,id=x true\n", fails: "line 2: RUN --mount is not supported"},
		"for later":          {dockerfile: "FROM a\nONBUILD COPY --from=other a b\n", fails: "line 2: ONBUILD is not for image extensions"},
		"hidden in a text":   {dockerfile: "FROM a\nRUN <<END\nCOPY --from=other a b\nEND\n", fails: "line 2: here-documents are not supported"},
		"hidden in a string": {dockerfile: "FROM a\nRUN echo 'COPY --from=a'\n", want: "FROM b\nLABEL l\nRUN echo 'COPY --from=a'\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, files, err := onBase([]byte(test.dockerfile), "FROM b", "LABEL l")
			said := ""
			if err != nil {
				said = err.Error()
			}
			if diff := cmp.Diff(test.fails, said); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("Dockerfile (-want +got):\n%s", diff)
			}
			if files != test.files {
				t.Errorf("files: %t", files)
			}
		})
	}
}

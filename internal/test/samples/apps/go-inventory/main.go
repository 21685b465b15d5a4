// Command inventory lists what an account keeps in three clouds, and where its
// cluster is. It is an application of ordinary size with large dependencies,
// for measuring caches.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/services/storage/mgmt/2021-09-01/storage"
	"github.com/BurntSushi/toml"
	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/s3"
	gcs "google.golang.org/api/storage/v1"
	"k8s.io/client-go/rest"
)

// lister prints the names of what one place keeps.
type lister func(ctx context.Context, account string) error

func main() {
	account := flag.String("account", "", "account, project or subscription")
	config := flag.String("config", "", "TOML file with the accounts by the name of the place")
	flag.Parse()
	accountOf := map[string]string{flag.Arg(0): *account}
	if _, err := toml.DecodeFile(*config, &accountOf); *config != "" && err != nil {
		fmt.Fprintln(os.Stderr, "inventory:", err)
		os.Exit(1)
	}
	listers := map[string]lister{"aws": buckets, "azure": accounts, "google": objects, "cluster": cluster}
	list, known := listers[flag.Arg(0)]
	if !known {
		fmt.Fprintln(os.Stderr, "usage: inventory [-account A] aws|azure|google|cluster")
		os.Exit(2)
	}
	if err := list(context.Background(), accountOf[flag.Arg(0)]); err != nil {
		fmt.Fprintln(os.Stderr, "inventory:", err)
		os.Exit(1)
	}
}

func buckets(ctx context.Context, _ string) error {
	s, err := session.NewSession()
	if err != nil {
		return err
	}
	out, err := s3.New(s).ListBucketsWithContext(ctx, nil)
	if err != nil {
		return err
	}
	for _, bucket := range out.Buckets {
		fmt.Println(aws.StringValue(bucket.Name))
	}
	return nil
}

func accounts(ctx context.Context, subscription string) error {
	page, err := storage.NewAccountsClient(subscription).List(ctx)
	if err != nil {
		return err
	}
	for _, account := range page.Values() {
		fmt.Println(*account.Name)
	}
	return nil
}

func objects(ctx context.Context, project string) error {
	service, err := gcs.NewService(ctx)
	if err != nil {
		return err
	}
	list, err := service.Buckets.List(project).Do()
	if err != nil {
		return err
	}
	for _, bucket := range list.Items {
		fmt.Println(bucket.Name)
	}
	return nil
}

func cluster(context.Context, string) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	fmt.Println(config.Host)
	return nil
}

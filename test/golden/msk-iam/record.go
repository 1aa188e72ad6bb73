package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
)

type fixed struct{ token string }

func (one fixed) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID:     "AKIAIOSFODNN7EXAMPLE",
		SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
		SessionToken:    one.token,
	}, nil
}

func main() {
	cases := [][2]string{{"us-east-1", ""}, {"eu-central-1", "IQoJb3JpZ2luX2VjEXAMPLE//+token=="}}
	for _, one := range cases {
		message, expiresAtMs, err := signer.GenerateAuthTokenFromCredentialsProvider(
			context.Background(), one[0], fixed{one[1]})
		if err != nil {
			panic(err)
		}
		line, _ := json.Marshal(map[string]any{
			"signer":      "aws-msk-iam-sasl-signer-go 1.0.4",
			"mechanism":   "OAUTHBEARER",
			"expiresAtMs": expiresAtMs,
			"message":     message,
		})
		fmt.Println(string(line))
	}
}

import json

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials


class Fixed(CredentialProvider):
    def __init__(self, token):
        self.token = token

    def load(self):
        return Credentials(
            "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", self.token
        )


for region, token in (("us-east-1", None), ("eu-central-1", "IQoJb3JpZ2luX2VjEXAMPLE//+token==")):
    message, expires_at_ms = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(
        region, Fixed(token)
    )
    signer = "aws-msk-iam-sasl-signer-python 1.0.2"
    line = {"signer": signer, "mechanism": "OAUTHBEARER", "expiresAtMs": expires_at_ms, "message": message}
    print(json.dumps(line))

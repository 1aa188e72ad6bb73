const { generateAuthTokenFromCredentialsProvider } = require('aws-msk-iam-sasl-signer-js')

const cases = [
  ['us-east-1', undefined],
  ['eu-central-1', 'IQoJb3JpZ2luX2VjEXAMPLE//+token=='],
]
for (const [region, sessionToken] of cases) {
  const awsCredentialsProvider = async () => ({
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken,
  })
  generateAuthTokenFromCredentialsProvider({ region, awsCredentialsProvider }).then(
    ({ token, expiryTime }) => {
      const signer = 'aws-msk-iam-sasl-signer-js 1.0.3'
      const line = { signer, mechanism: 'OAUTHBEARER', expiresAtMs: expiryTime, message: token }
      console.log(JSON.stringify(line))
    },
  )
}

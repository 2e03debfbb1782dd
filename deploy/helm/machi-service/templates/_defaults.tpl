{{/* What a pod gets unless its chart or the city says otherwise; values.schema.json of `machi` says what each means. */}}
{{- define "machi-service.defaults" -}}
enabled: true
replicas: 1
image: {repository: "", tag: ""}
settings: {}
secret: ""
secretKeys: []
routes: []
channel: ""
internet: false
objects: false
evaluation: {settings: {}, secret: ""}
autoscaling: {kind: none, min: 1, max: 6, cpu: 500m, lag: 100}
resources:
  requests: {cpu: 50m, memory: 160Mi}
  limits: {memory: 384Mi}
graceSeconds: 45
preStopSeconds: 5
priorityClassName: ""
nodeSelector: {}
tolerations: []
annotations: {}
deploymentAnnotations: {}
secretsRevision: ""
{{- end -}}

{{/* What all pods of a city share. */}}
{{- define "machi-service.global" -}}
profile: evaluation
release: ""
tenant: fukuoka
moreTenants: []
ownPods: []
publicUrl: ""
image: {registry: localhost, tag: "", pullPolicy: IfNotPresent, pullSecrets: []}
deploymentAnnotations: {}
secretsRevision: ""
keys: {existingSecret: ""}
channels: {existingSecret: ""}
database:
  existingSecret: ""
  caSecret: ""
  cnpg: {enabled: false, instances: 3, imageName: "", storage: 20Gi, storageClass: ""}
kafka:
  bootstrapServers: ""
  securityProtocol: PLAINTEXT
  saslMechanism: SCRAM-SHA-512
  username: ""
  existingSecret: ""
  caSecret: ""
  strimzi: {enabled: false, cluster: "", replicas: 3, storage: 50Gi, storageClass: ""}
objectStore: {url: "", existingSecret: "", storage: 2Gi, storageClass: ""}
externalSecrets: {store: "", storeKind: ClusterSecretStore, secrets: []}
telemetry:
  otlpEndpoint: ""
  monitor: none
  labels: {}
  runbooks: ""
  boards: {enabled: null, sidecarLabel: grafana_dashboard, folderAnnotation: grafana_folder, grafanaSelector: {}}
entrance: {kind: none, host: "", gateway: {name: "", namespace: "", section: ""}, className: "", tlsSecret: "", issuer: "", annotations: {}}
networkPolicy:
  enabled: true
  dns: {cidrs: [169.254.20.10/32], peers: [{namespaceSelector: {}}], ports: [53, 5353]}
  database: {cidrs: [0.0.0.0/0, "::/0"], ports: [5432]}
  kafka: {cidrs: [0.0.0.0/0, "::/0"], ports: [9092, 9093]}
  objectStore: {cidrs: [0.0.0.0/0, "::/0"], ports: [443]}
  internet: {cidrs: [0.0.0.0/0, "::/0"], except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, "fc00::/7", "fe80::/10"], ports: [443]}
  telemetry: {cidrs: [0.0.0.0/0, "::/0"], ports: [4317]}
  api: {cidrs: [0.0.0.0/0, "::/0"], ports: [443, 6443]}
  entrance: [{namespaceSelector: {}}]
  monitoring: [{namespaceSelector: {}}]
  scaling: [{namespaceSelector: {}, podSelector: {matchLabels: {app: keda-operator}}}]
{{- end -}}

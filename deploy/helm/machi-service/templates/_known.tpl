{{/* Made by `make gen`: what each pod of the city serves. */}}
{{- define "machi-service.known" -}}
channel-line: []
channel-slack: []
identity:
- machi.identity.v1.IdentityService
- machi.identity.v1.StaffService
- machi.consent.v1.ConsentService
- machi.pods.v1.PodRegistryService
- machi.dialogue.v1.DialogueService
notifications:
- machi.notifications.v1.NotificationService
reports:
- machi.reports.v1.ReportService
- machi.dialogue.v1.DialogueService
{{- end -}}

{{/* Made by `make gen`: the release that this library belongs to, whichever chart uses it. */}}
{{- define "machi-service.version" -}}0.1.0{{- end -}}
